// libcurl, loaded when the first request is made: linked, it would cost every start of myct milliseconds.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <string_view>

#include "myct/base/library.hpp"

namespace myct::registry {

/// The functions of libcurl that are called. Its own header gives their types.
class Curl {
 public:
  /// Loads the library at the first call, from any thread. Throws Error{Unsupported} where there is none.
  static const Curl& instance();

 private:
  Library library_;  // first: the functions below are its

 public:
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_setopt) easy_setopt;
  decltype(&::curl_easy_getinfo) easy_getinfo;
  decltype(&::curl_easy_reset) easy_reset;
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_easy_strerror) easy_strerror;
  decltype(&::curl_multi_init) multi_init;
  decltype(&::curl_multi_add_handle) multi_add_handle;
  decltype(&::curl_multi_remove_handle) multi_remove_handle;
  decltype(&::curl_multi_perform) multi_perform;
  decltype(&::curl_multi_poll) multi_poll;
  decltype(&::curl_multi_info_read) multi_info_read;
  decltype(&::curl_multi_cleanup) multi_cleanup;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
  decltype(&::curl_url) url;
  decltype(&::curl_url_set) url_set;
  decltype(&::curl_url_get) url_get;
  decltype(&::curl_url_cleanup) url_cleanup;
  decltype(&::curl_free) free;
  decltype(&::curl_version_info) version_info;

 private:
  Curl();
};

/// Sole owner of a list of header lines.
class HeaderLines {
 public:
  HeaderLines() = default;
  HeaderLines(const HeaderLines&) = delete;
  HeaderLines& operator=(const HeaderLines&) = delete;
  ~HeaderLines();
  void append(const std::string& line);
  [[nodiscard]] curl_slist* get() const noexcept { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

/// One connection at a time with its handles; libcurl keeps it open for the next request to the same host.
class Connection {
 public:
  Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  template <typename Value>
  void set(CURLoption option, Value value) {
    check(curl_.easy_setopt(easy_, option, value));
  }
  /// For what an older libcurl may not know and a newer one is better with.
  template <typename Value>
  void set_if_known(CURLoption option, Value value) {
    if (const CURLcode code = curl_.easy_setopt(easy_, option, value); code != CURLE_UNKNOWN_OPTION) check(code);
  }
  /// Forgets all options; the connection stays.
  void reset();
  [[nodiscard]] CURL* easy() const noexcept { return easy_; }
  [[nodiscard]] CURLM* multi() const noexcept { return multi_; }

 private:
  static void check(CURLcode code);
  const Curl& curl_;
  CURL* easy_;
  CURLM* multi_;
};

}  // namespace myct::registry
