// Doing something again while its failure may pass.
#pragma once

#include "backoff.hpp"
#include "myct/base/log.hpp"
#include "transfer.hpp"
#include "url.hpp"

namespace myct::registry {

/// Calls `attempt` until its Response, or the TransferError that it throws, is not one that passes, or the attempts are
/// used up; then that is the result. It gets the Backoff, to start it over when there was progress.
template <typename Attempt>
Response patiently(Transport& transport, const RetryPolicy& policy, Attempt attempt) {
  constexpr int kAttemptsToReach = 3;  // a wrong name or a closed port seldom changes
  Backoff backoff(policy);
  for (;;) {
    std::optional<std::chrono::milliseconds> wait;
    try {
      Response response = attempt(backoff);
      if (!is_passing(response.status)) return response;
      wait = backoff.next(parse_retry_after(response.header("retry-after"), std::chrono::system_clock::now()));
      if (!wait) return response;
      log::info("{} has answered {}: again in {} ms", presentable(response.url), response.status, wait->count());
    } catch (const TransferError& error) {
      const bool is_passing_failure = error.failure() == TransferFailure::Cut;
      const bool may_pass = error.failure() == TransferFailure::NotReached || error.failure() == TransferFailure::NoTls;
      if (is_passing_failure)
        wait = backoff.next();
      else if (may_pass)
        wait = backoff.next({}, kAttemptsToReach);
      if (!wait) throw;
      log::info("{}: again in {} ms", error.what(), wait->count());
    }
    transport.wait(*wait);
  }
}

}  // namespace myct::registry
