#include "myct/supervisor/channel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "myct/base/error.hpp"

namespace myct::supervisor {
namespace {

TEST(Numbers, survive_the_packing) {
  EXPECT_EQ(unpack_numbers(pack_numbers({24, -80}), 2), (std::vector<int>{24, -80}));
  EXPECT_EQ(unpack_numbers(pack_numbers({}), 0), std::vector<int>());
}

TEST(Numbers, are_refused_when_they_are_not_as_many) {
  for (const size_t count : {0, 1, 3}) EXPECT_THROW((void)unpack_numbers(pack_numbers({1, 2}), count), Error) << count;
  EXPECT_THROW((void)unpack_numbers("abc", 1), Error);
}

TEST(PackedError, says_and_means_the_same) {
  Error error(ErrorKind::NotFound, "run '/no/such'", ENOENT, "look again");
  error.set_exit_status(127);
  const Error unpacked = unpack_error(pack_error(error));
  EXPECT_STREQ(unpacked.what(), error.what());
  EXPECT_EQ(unpacked.kind(), error.kind());
  EXPECT_EQ(unpacked.errnum(), error.errnum());
  EXPECT_EQ(unpacked.exit_status(), 127);
}

TEST(PackedError, fits_into_a_message_however_long_it_is) {
  const Error error(ErrorKind::System, std::string(2 * kLongestPayload, 'x'), 0, "hint");
  const std::string payload = pack_error(error);
  EXPECT_LE(payload.size(), kLongestPayload);
  EXPECT_TRUE(std::string(unpack_error(payload).what()).starts_with("xxx"));
}

TEST(PackedError, is_told_from_what_is_none) { EXPECT_EQ(unpack_error("short").kind(), ErrorKind::Internal); }

TEST(Channel, carries_messages_in_order_and_then_the_end) {
  ChannelPair pair = make_channel();
  MessageBuffer buffer;
  EXPECT_FALSE(pair.client.receive(buffer, Channel::Wait::No)) << "nothing yet";
  EXPECT_FALSE(pair.client.at_end());
  pair.supervisor.send(Kind::Stdout, "hello");
  pair.supervisor.send(Kind::Ended, pack_numbers({3}));
  pair.supervisor.close();
  const std::optional<Message> first = pair.client.receive(buffer, Channel::Wait::Yes);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->kind, Kind::Stdout);
  EXPECT_EQ(first->payload, "hello");
  const std::optional<Message> second = pair.client.receive(buffer, Channel::Wait::Yes);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->kind, Kind::Ended);
  EXPECT_FALSE(pair.client.receive(buffer, Channel::Wait::Yes));
  EXPECT_TRUE(pair.client.at_end());
}

TEST(Channel, carries_a_descriptor) {
  ChannelPair pair = make_channel();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd reading(ends[0]);
  {
    const Fd writing(ends[1]);
    pair.supervisor.send(Kind::Started, {}, writing.ref());
  }
  MessageBuffer buffer;
  {
    const std::optional<Message> message = pair.client.receive(buffer, Channel::Wait::Yes);
    ASSERT_TRUE(message);
    ASSERT_TRUE(message->fd.valid());
    EXPECT_EQ(::fcntl(message->fd.get(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(::write(message->fd.get(), "x", 1), 1);
  }
  char byte = 0;
  EXPECT_EQ(::read(reading.get(), &byte, 1), 1);
  EXPECT_EQ(::read(reading.get(), &byte, 1), 0) << "somebody still holds the descriptor";
}

TEST(Channel, takes_the_longest_payload_and_says_when_it_is_full) {
  ChannelPair pair = make_channel();
  const std::string payload(kLongestPayload, 'x');
  size_t sent = 0;
  while (pair.supervisor.try_send(Kind::Stdout, payload) == Channel::Sent::Yes) ++sent;
  EXPECT_GT(sent, 0U);
  EXPECT_EQ(pair.supervisor.try_send(Kind::Stdout, payload), Channel::Sent::Full);
  MessageBuffer buffer;
  const std::optional<Message> message = pair.client.receive(buffer, Channel::Wait::No);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->payload, payload);
  EXPECT_EQ(pair.supervisor.try_send(Kind::Stdout, payload), Channel::Sent::Yes) << "there is room again";
  pair.client.close();
  EXPECT_EQ(pair.supervisor.try_send(Kind::Stdout, payload), Channel::Sent::Gone);
  EXPECT_THROW(pair.supervisor.send(Kind::Stdout, payload), Error);
}

}  // namespace
}  // namespace myct::supervisor
