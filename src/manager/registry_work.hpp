// What pull and push have in common.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "myct/manager/pull.hpp"

namespace myct::manager {

constexpr size_t kMostAtOnce = 3;  // docker's max-concurrent-downloads: more make registries angry, and few faster

inline registry::ClientOptions client_options(const RegistryOptions& options, const std::atomic<bool>* cancelled) {
  return {.configuration = registry::load_configuration(registry::configuration_path()),
          .tls_verify = options.tls_verify,
          .certificate_directory = options.certificate_directory,
          .cancelled = cancelled};
}

/// Tells an observer of layers, whose calls come from several threads, one at a time.
class LayerNews {
 public:
  explicit LayerNews(const PullObserver& observer) : observer_(observer) {}

  void tell(const oci::Descriptor& blob, LayerStage stage, uint64_t done = 0) {
    if (!observer_.layer) return;
    const std::lock_guard lock(mutex_);
    observer_.layer(blob.digest, stage, done, blob.size);
  }

 private:
  const PullObserver& observer_;
  std::mutex mutex_;
};

/// Does `work` with each number below `count` in several threads. The first error ends all, and is thrown.
template <typename Work>
void in_threads(size_t count, std::atomic<bool>& cancelled, Work work) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr first_error;
  const auto serve = [&] {
    try {
      for (size_t i = next++; i < count && !cancelled; i = next++) work(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first_error) first_error = std::current_exception();
      cancelled = true;
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < std::min(count, kMostAtOnce); ++i) threads.emplace_back(serve);
  for (std::thread& thread : threads) thread.join();
  if (first_error) std::rethrow_exception(first_error);
}

}  // namespace myct::manager
