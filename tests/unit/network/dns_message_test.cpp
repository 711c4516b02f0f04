#include "dns_message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace myct::network::dns {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using Message = std::vector<uint8_t>;

Message question(const std::string& name, Type type) {
  Message message = {0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0};
  const Record encoded = record_of_name(name);
  message.insert(message.end(), encoded.data.begin(), encoded.data.end());
  message.insert(message.end(), {0, static_cast<uint8_t>(type), 0, 1});
  return message;
}

Message with_edns(Message message, uint16_t payload, uint8_t version = 0) {
  message[11] = 1;
  message.insert(message.end(), {0, 0, 41, static_cast<uint8_t>(payload >> 8U), static_cast<uint8_t>(payload), 0,
                                 version, 0, 0, 0, 0});
  return message;
}

uint16_t number_at(const Message& message, size_t position) {
  return static_cast<uint16_t>((message[position] << 8U) | message[position + 1]);
}

TEST(DnsMessage, reads_a_question_in_lower_case) {
  const auto parsed = parse_query(question("Web.Mine", Type::Aaaa));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->rcode, Rcode::NoError);
  EXPECT_EQ(parsed->query.name, "web.mine");
  EXPECT_EQ(parsed->query.id, 0x1234);
  EXPECT_EQ(parsed->query.type, static_cast<uint16_t>(Type::Aaaa));
  EXPECT_TRUE(parsed->query.recursion_desired);
  EXPECT_EQ(datagram_limit(parsed->query), kSmallestLimit);
}

TEST(DnsMessage, takes_the_clients_limit_within_bounds) {
  EXPECT_EQ(datagram_limit(parse_query(with_edns(question("a", Type::A), 1000))->query), 1000U);
  EXPECT_EQ(datagram_limit(parse_query(with_edns(question("a", Type::A), 65000))->query), size_t{kOwnLimit});
  EXPECT_EQ(datagram_limit(parse_query(with_edns(question("a", Type::A), 10))->query), kSmallestLimit);
}

TEST(DnsMessage, does_not_answer_answers_and_scraps) {
  Message answer = question("a", Type::A);
  answer[2] |= 0x80;
  EXPECT_FALSE(parse_query(answer));
  EXPECT_FALSE(parse_query(Message(kHeaderSize - 1, 0)));
  EXPECT_FALSE(parse_query({}));
}

struct Hostile {
  const char* name;
  Message message;
  Rcode rcode;
};

Message changed(size_t position, uint8_t byte) {
  Message message = question("web", Type::A);
  message[position] = byte;
  return message;
}
Message followed_by(std::initializer_list<uint8_t> bytes) {
  Message message = question("web", Type::A);
  message.insert(message.end(), bytes);
  return message;
}
Message with_name(size_t labels) {
  std::string name = "a";
  for (size_t count = 1; count < labels; ++count) name += ".a";
  return question(name, Type::A);
}

class DnsHostile : public ::testing::TestWithParam<Hostile> {};

TEST_P(DnsHostile, is_refused_with_the_reason) {
  const auto parsed = parse_query(GetParam().message);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->rcode, GetParam().rcode);
  const Message answer = compose_answer(parsed->query, parsed->rcode, {}, 0, kSmallestLimit);
  EXPECT_EQ(answer[3] & 0xf, static_cast<int>(GetParam().rcode) & 0xf);
  EXPECT_EQ(number_at(answer, 0), 0x1234);
}

INSTANTIATE_TEST_SUITE_P(Rows, DnsHostile,
                         ::testing::Values(Hostile{"points_to_itself", changed(12, 0xc0), Rcode::FormErr},
                                           Hostile{"label_too_long", changed(12, 64), Rcode::FormErr},
                                           Hostile{"label_beyond_the_end", changed(12, 60), Rcode::FormErr},
                                           Hostile{"no_question", changed(5, 0), Rcode::FormErr},
                                           Hostile{"two_questions", changed(5, 2), Rcode::FormErr},
                                           Hostile{"answers_in_a_question", changed(7, 1), Rcode::FormErr},
                                           Hostile{"record_that_is_not_there", changed(11, 1), Rcode::FormErr},
                                           Hostile{"thousands_of_records", changed(10, 255), Rcode::FormErr},
                                           Hostile{"more_behind_it", followed_by({0}), Rcode::FormErr},
                                           Hostile{"name_too_long", with_name(128), Rcode::FormErr},
                                           Hostile{"other_operation", changed(2, 0x28), Rcode::NotImp},
                                           Hostile{"newer_edns", with_edns(question("web", Type::A), 1232, 1),
                                                   Rcode::BadVers}),
                         [](const auto& row) { return row.param.name; });

TEST(DnsMessage, takes_the_longest_name) { EXPECT_EQ(parse_query(with_name(127))->rcode, Rcode::NoError); }

TEST(DnsMessage, knows_no_host_by_bytes_that_look_like_others) {
  Message message = question("a-b", Type::A);
  message[14] = '.';  // one label "a.b"
  EXPECT_EQ(parse_query(message)->query.name, "");
  message[14] = '/';
  EXPECT_EQ(parse_query(message)->query.name, "");
  message[14] = 0;
  EXPECT_EQ(parse_query(message)->query.name, "");
}

TEST(DnsMessage, leaves_out_what_does_not_fit_and_says_so) {
  const auto parsed = parse_query(question("web", Type::A));
  const std::vector<Record> records(100, Record{{10, 0, 0, 1}});
  const Message small = compose_answer(parsed->query, Rcode::NoError, records, 0, kSmallestLimit);
  EXPECT_LE(small.size(), kSmallestLimit);
  EXPECT_NE(small[2] & 0x02, 0);
  EXPECT_EQ(number_at(small, 6), (kSmallestLimit - kHeaderSize - 9) / 16);
  const Message whole = compose_answer(parsed->query, Rcode::NoError, records, 0, kStreamLimit);
  EXPECT_EQ(whole[2] & 0x02, 0);
  EXPECT_EQ(number_at(whole, 6), 100);
}

TEST(DnsMessage, finds_the_address_in_a_pointer) {
  EXPECT_EQ(address_of_pointer("2.0.88.10.in-addr.arpa"), "10.88.0.2");
  EXPECT_EQ(address_of_pointer("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa"), "fd00::1");
  for (const char* other : {"0.88.10.in-addr.arpa", "1.2.0.88.10.in-addr.arpa", "256.0.88.10.in-addr.arpa", "arpa",
                            "web", "", "x.0.88.10.in-addr.arpa"})
    EXPECT_EQ(address_of_pointer(other), std::nullopt) << other;
}

TEST(DnsMessage, takes_only_the_answer_to_its_question) {
  const auto parsed = parse_query(question("web.test", Type::A));
  Message answer = compose_answer(parsed->query, Rcode::NoError, {}, 0, kSmallestLimit);
  EXPECT_TRUE(parse_reply(answer, 0x1234, parsed->query));
  EXPECT_FALSE(parse_reply(answer, 0x1235, parsed->query)) << "another id";
  const auto other = parse_query(question("web.tesT2", Type::A));
  EXPECT_FALSE(parse_reply(answer, 0x1234, other->query)) << "another question";
  answer[2] &= 0x7f;
  EXPECT_FALSE(parse_reply(answer, 0x1234, parsed->query)) << "a question";
  EXPECT_FALSE(parse_reply(Message(answer.begin(), answer.begin() + 14), 0x1234, parsed->query)) << "cut off";
}

/// Whatever comes, what is made of it keeps to its bounds; the sanitizers see to the rest.
TEST(DnsMessage, withstands_a_hundred_thousand_damaged_messages) {
  std::mt19937 random(20);  // NOLINT: the same each time
  const std::vector<Message> seeds = {question("web", Type::A), with_edns(question("a.b.c.example", Type::Aaaa), 4096),
                                      question("2.0.88.10.in-addr.arpa", Type::Ptr)};
  const Query asked = parse_query(seeds[1])->query;
  for (int round = 0; round < 100'000; ++round) {
    Message message = seeds[random() % seeds.size()];
    for (auto changes = random() % 6; changes > 0; --changes)
      message[random() % message.size()] = static_cast<uint8_t>(random());
    if (random() % 4 == 0) message.resize(random() % (message.size() + 20));
    (void)parse_reply(message, 0x1234, asked);
    const auto parsed = parse_query(message);
    if (!parsed) continue;
    EXPECT_LE(parsed->query.name.size(), 254U);
    (void)address_of_pointer(parsed->query.name);
    const size_t limit = datagram_limit(parsed->query);
    const std::vector<Record> records(80, Record{{10, 0, 0, 1}});
    EXPECT_LE(compose_answer(parsed->query, parsed->rcode, records, 0, limit).size(), limit);
  }
}

TEST(DnsMessage, writes_names_as_labels) {
  EXPECT_THAT(record_of_name("a.bc").data, ElementsAre(1, 'a', 2, 'b', 'c', 0));
  EXPECT_THAT(record_of_name("").data, SizeIs(1));
}

}  // namespace
}  // namespace myct::network::dns
