#include "curl.hpp"

#include <new>

#include "myct/base/error.hpp"

namespace myct::registry {
namespace {

/// Debian has it twice; git and others bring the second.
Library load_library() {
  constexpr const char* kRemedy = "install it (Debian: libcurl4)";
  constexpr std::string_view kWhatFor = "which registries are spoken to by";
  try {
    return {"libcurl.so.4", kWhatFor, kRemedy};
  } catch (const Error& error) {
    try {
      return {"libcurl-gnutls.so.4", kWhatFor, kRemedy};
    } catch (const Error&) {
      throw error;
    }
  }
}

}  // namespace

Curl::Curl() : library_(load_library()) {
  const auto find = [&]<typename Function>(Function*& function, const char* symbol) {
    function = library_.find<Function>(symbol);
  };
  find(easy_init, "curl_easy_init");
  find(easy_setopt, "curl_easy_setopt");
  find(easy_getinfo, "curl_easy_getinfo");
  find(easy_reset, "curl_easy_reset");
  find(easy_cleanup, "curl_easy_cleanup");
  find(easy_strerror, "curl_easy_strerror");
  find(multi_init, "curl_multi_init");
  find(multi_add_handle, "curl_multi_add_handle");
  find(multi_remove_handle, "curl_multi_remove_handle");
  find(multi_perform, "curl_multi_perform");
  find(multi_poll, "curl_multi_poll");
  find(multi_info_read, "curl_multi_info_read");
  find(multi_cleanup, "curl_multi_cleanup");
  find(slist_append, "curl_slist_append");
  find(slist_free_all, "curl_slist_free_all");
  find(url, "curl_url");
  find(url_set, "curl_url_set");
  find(url_get, "curl_url_get");
  find(url_cleanup, "curl_url_cleanup");
  find(free, "curl_free");
  find(version_info, "curl_version_info");
  if (library_.find<decltype(::curl_global_init)>("curl_global_init")(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    throw_error(ErrorKind::System, "initialise libcurl");
}

const Curl& Curl::instance() {
  static const Curl curl;
  return curl;
}

HeaderLines::~HeaderLines() { Curl::instance().slist_free_all(list_); }

void HeaderLines::append(const std::string& line) {
  curl_slist* longer = Curl::instance().slist_append(list_, line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  list_ = longer;
}

Connection::Connection() : curl_(Curl::instance()), easy_(curl_.easy_init()), multi_(curl_.multi_init()) {
  if (easy_ != nullptr && multi_ != nullptr) return;
  curl_.easy_cleanup(easy_);
  curl_.multi_cleanup(multi_);
  throw std::bad_alloc();
}

Connection::~Connection() {
  curl_.easy_cleanup(easy_);
  curl_.multi_cleanup(multi_);
}

void Connection::reset() { curl_.easy_reset(easy_); }

void Connection::check(CURLcode code) {
  if (code != CURLE_OK)
    throw_error(ErrorKind::Internal, "set an option of libcurl: {}", Curl::instance().easy_strerror(code));
}

}  // namespace myct::registry
