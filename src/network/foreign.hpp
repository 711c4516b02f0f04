// Other people's firewalls on the same host. A packet that our rules accept has still to come through everybody else's
// base chains on the forward hook, or on the input hook if it is a question to a network's name server, and a drop in
// one is final: no verdict of ours can spare it that. So a chain that lets nothing through but what it knows (Docker's
// and ufw's policy of iptables-nft's FORWARD, ufw's of INPUT, a native table with policy drop, a last rule that rejects
// all) gets one rule of ours that accepts what carries our mark. So does a chain with such a last rule to which it
// sends every packet: firewalld's of the default zone, ufw's for "reject routed". Where packets are sent on a
// condition, and refused there, that is on purpose.
//
// The rule stands after all of the chain's own, before nothing but such a last rule: whatever the administrator,
// Docker or ufw refuses on purpose stays refused. It is constant, whatever the number of bridges, in words that
// iptables-nft knows, too (it shows "-m mark --mark 0x10000000/0x10000000 -m comment --comment myct -j ACCEPT"), and
// found again by its comment.
#pragma once

#include <string>

#include "netlink.hpp"

namespace myct::network {

/// Under the lock when something is to be done. Idempotent, and cheap where there is nothing to do. A chain that its
/// owner keeps to itself is left alone with a warning. Throws Error when the chains cannot be listed.
void open_foreign_chains(NetlinkSocket& netfilter, const std::string& lock_path);
/// Takes the rules out again when no bridge of ours is left. Idempotent. Throws Error when rules cannot be listed.
void close_foreign_chains(NetlinkSocket& netfilter, const std::string& lock_path);

}  // namespace myct::network
