#include "handshake.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

namespace myct::engine {
namespace {

TEST(Handshake, carries_a_failure_as_the_error_that_it_was) {
  const HandshakePair pair = make_handshake();
  Error thrown(ErrorKind::NotFound, "run 'sh'", ENOENT, "not found in PATH");
  thrown.set_exit_status(127);
  pair.child.fail(Step::ExecProcess, thrown);
  const auto received = pair.parent.receive();
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->packet.tag, Tag::Failed);
  EXPECT_EQ(received->packet.step, Step::ExecProcess);
  const Error error = error_from(received->packet);
  EXPECT_STREQ(error.what(), thrown.what());
  EXPECT_EQ(error.kind(), ErrorKind::NotFound);
  EXPECT_EQ(error.errnum(), ENOENT);
  EXPECT_EQ(error.exit_status(), 127);
}

TEST(Handshake, shortens_a_long_object_in_its_middle) {
  const HandshakePair pair = make_handshake();
  pair.child.fail(Step::MountVolumes, Error(ErrorKind::System, "mount on '/" + std::string(5000, 'x') + "/end'", EIO));
  const Error error = error_from(pair.parent.receive()->packet);
  EXPECT_LE(error.subject().size(), Packet::kTextCapacity);
  EXPECT_TRUE(error.subject().starts_with("mount on '/x"));
  EXPECT_TRUE(error.subject().ends_with("x/end'"));
  EXPECT_EQ(error.errnum(), EIO);
}

TEST(Handshake, carries_descriptors) {
  const HandshakePair pair = make_handshake();
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  pair.child.send_fd(Sent::Console, null.ref());
  const auto received = pair.parent.receive();
  ASSERT_TRUE(received->fd.valid());
  EXPECT_NE(received->fd.get(), null.get());
  EXPECT_NE(::fcntl(received->fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Handshake, tells_the_end_from_a_packet) {
  HandshakePair pair = make_handshake();
  pair.child.send(Tag::Ready);
  { const Handshake gone = std::move(pair.child); }
  EXPECT_EQ(pair.parent.receive()->packet.tag, Tag::Ready);
  EXPECT_FALSE(pair.parent.receive().has_value());
}

TEST(Handshake, rejects_what_is_not_in_the_protocol) {
  const HandshakePair pair = make_handshake();
  pair.child.send(Tag::Ready);
  EXPECT_THROW(pair.parent.expect(Tag::Proceed), Error);
  ASSERT_EQ(::send(pair.child.fd().get(), "x", 1, 0), 1);
  EXPECT_THROW((void)pair.parent.receive(), Error);
}

}  // namespace
}  // namespace myct::engine
