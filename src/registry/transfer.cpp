#include "transfer.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <thread>

#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/registry/reference.hpp"
#include "url.hpp"

namespace myct::registry {
namespace {

constexpr int kPollMilliseconds = 100;
constexpr long kConnectSeconds = 30;
constexpr long kStallSeconds = 30;  // nothing at all for so long: the connection is dead
constexpr long kStallBytesPerSecond = 1;
constexpr size_t kLargestHeaders = size_t{256} << 10;
constexpr size_t kLargestFailureBody = size_t{16} << 10;
constexpr long kReceiveBuffer = 256L << 10;
constexpr const char* kUserAgent = "myct";

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Thrown to end a transfer of whose body nothing more is wanted.
struct EnoughRead {};

/// What libcurl's callbacks work on. Nothing may be thrown through its C code, so an exception waits here.
struct Exchange {
  const Request& request;
  Response response;
  size_t header_bytes = 0;
  uint64_t offset = 0;
  std::exception_ptr error;

  template <typename Body>
  size_t guard(size_t on_error, Body body) noexcept {
    try {
      return body();
    } catch (...) {
      error = std::current_exception();
      return on_error;
    }
  }
  void take_header(std::string_view line);
  void take_body(Bytes bytes);
  size_t give(std::span<char> buffer);
};

void Exchange::take_header(std::string_view line) {
  header_bytes += line.size();
  if (header_bytes > kLargestHeaders) throw_error(ErrorKind::Invalid, "the answer's headers do not end");
  // Each status line begins anew, after "100 Continue" and a proxy's "200 Connection established".
  if (line.starts_with("HTTP/")) {
    response.headers.clear();
    const size_t space = line.find(' ');
    response.status = space == std::string_view::npos ? 0 : std::atoi(std::string(line.substr(space + 1, 3)).c_str());
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string name(trim(line.substr(0, colon)));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  response.headers.emplace(std::move(name), trim(line.substr(colon + 1)));
}

void Exchange::take_body(Bytes bytes) {
  if (response.succeeded() && request.receive) return request.receive(response, bytes);
  const size_t limit = response.succeeded() ? request.largest_body : kLargestFailureBody;
  if (response.body.size() + bytes.size() > limit && response.succeeded())
    throw_error(ErrorKind::Invalid, "the answer has more than {} bytes", limit);
  const size_t room = std::min(bytes.size(), limit - response.body.size());
  response.body.append(reinterpret_cast<const char*>(bytes.data()), room);
  if (room < bytes.size()) throw EnoughRead{};
}

size_t Exchange::give(std::span<char> buffer) {
  const uint64_t left = request.upload->size - offset;
  const size_t count = request.upload->read(offset, buffer.first(std::min<uint64_t>(buffer.size(), left)));
  if (count == 0 && left > 0)
    throw_error(ErrorKind::Invalid, "what is to be sent ends after {} of {} bytes", offset, request.upload->size);
  offset += count;
  if (request.sent) request.sent(offset);
  return count;
}

extern "C" {
size_t on_header(char* data, size_t size, size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  return exchange.guard(0, [&] { return exchange.take_header({data, size * count}), size * count; });
}
size_t on_body(char* data, size_t size, size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  return exchange.guard(0, [&] {
    return exchange.take_body({reinterpret_cast<const uint8_t*>(data), size * count}), size * count;
  });
}
size_t on_upload(char* data, size_t size, size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  return exchange.guard(CURL_READFUNC_ABORT, [&] { return exchange.give({data, size * count}); });
}
int on_seek(void* context, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Exchange*>(context)->offset = static_cast<uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The system's authorities as every other program on it finds them, and the host's own beside them.
void set_tls(Connection& connection, const TlsSettings& tls, std::string& bundle) {
  connection.set(CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
  connection.set(CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
  std::string file = environment("SSL_CERT_FILE");
  if (const std::string directory = environment("SSL_CERT_DIR"); !directory.empty())
    connection.set(CURLOPT_CAPATH, directory.c_str());
  if (!file.empty()) connection.set(CURLOPT_CAINFO, file.c_str());
  if (!tls.authorities.empty()) {
    // libcurl takes a blob instead of its file, so the blob has the file's content, too.
    const curl_version_info_data* info = Curl::instance().version_info(CURLVERSION_NOW);
    if (file.empty() && info->age >= CURLVERSION_SEVENTH && info->cainfo != nullptr) file = info->cainfo;
    if (!file.empty()) bundle = try_read_file(file).value_or("");
    bundle += "\n" + tls.authorities;
    curl_blob blob{.data = bundle.data(), .len = bundle.size(), .flags = CURL_BLOB_NOCOPY};
    connection.set(CURLOPT_CAINFO_BLOB, &blob);
  }
  if (!tls.certificate.empty()) connection.set(CURLOPT_SSLCERT, tls.certificate.c_str());
  if (!tls.key.empty()) connection.set(CURLOPT_SSLKEY, tls.key.c_str());
}

void set_body(Connection& connection, const Request& request, Exchange& exchange) {
  switch (request.method) {
    case Method::Get:
      connection.set(CURLOPT_HTTPGET, 1L);
      break;
    case Method::Head:
      connection.set(CURLOPT_NOBODY, 1L);
      break;
    case Method::Post:
      connection.set(CURLOPT_POST, 1L);
      connection.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.form.size()));
      connection.set(CURLOPT_POSTFIELDS, request.form.c_str());
      break;
    case Method::Put:
      connection.set(CURLOPT_UPLOAD, 1L);
      connection.set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.upload->size));
      connection.set(CURLOPT_READFUNCTION, on_upload);
      connection.set(CURLOPT_READDATA, &exchange);
      connection.set(CURLOPT_SEEKFUNCTION, on_seek);
      connection.set(CURLOPT_SEEKDATA, &exchange);
      break;
  }
}

void set_request(Connection& connection, const Request& request, Exchange& exchange, const HeaderLines& lines) {
  connection.set(CURLOPT_URL, request.url.c_str());
  connection.set_if_known(CURLOPT_PROTOCOLS_STR, "http,https");
  connection.set(CURLOPT_NOSIGNAL, 1L);
  connection.set(CURLOPT_FOLLOWLOCATION, 0L);
  connection.set(CURLOPT_HTTPHEADER, lines.get());
  connection.set(CURLOPT_USERAGENT, kUserAgent);
  connection.set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  connection.set(CURLOPT_LOW_SPEED_LIMIT, kStallBytesPerSecond);
  connection.set(CURLOPT_LOW_SPEED_TIME, kStallSeconds);
  connection.set(CURLOPT_BUFFERSIZE, kReceiveBuffer);
  connection.set(CURLOPT_HEADERFUNCTION, on_header);
  connection.set(CURLOPT_HEADERDATA, &exchange);
  connection.set(CURLOPT_WRITEFUNCTION, on_body);
  connection.set(CURLOPT_WRITEDATA, &exchange);
  if (is_loopback(origin_of(request.url).host)) connection.set(CURLOPT_PROXY, "");
}

void append_headers(HeaderLines& lines, const Request& request) {
  for (const std::string& header : request.headers) lines.append(header);
  if (!request.authorization.empty()) lines.append("Authorization: " + request.authorization);
}

TransferFailure failure_of(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return TransferFailure::NotReached;
    case CURLE_SSL_CONNECT_ERROR:
      return TransferFailure::NoTls;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return TransferFailure::BadIdentity;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_OPERATION_TIMEDOUT:
      return TransferFailure::Cut;
    default:
      return TransferFailure::Other;
  }
}

const char* hint_of(TransferFailure failure) {
  if (failure != TransferFailure::BadIdentity) return "";
  return "put the registry's authority into /etc/myct/certs.d/HOST/ca.crt or --cert-dir, or use --tls-verify=false";
}

[[noreturn]] void throw_failure(CURLcode code, const char* details, const Request& request) {
  const TransferFailure failure = failure_of(code);
  const std::string_view why = *details != '\0' ? details : Curl::instance().easy_strerror(code);
  throw TransferError(failure, fmt::format("speak to {}: {}", presentable(request.url), trim(why)), hint_of(failure));
}

/// A handle among those that libcurl works on, as long as this lives.
class Attached {
 public:
  explicit Attached(Connection& connection) : connection_(connection) {
    Curl::instance().multi_add_handle(connection.multi(), connection.easy());
  }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;
  ~Attached() { Curl::instance().multi_remove_handle(connection_.multi(), connection_.easy()); }

 private:
  Connection& connection_;
};

/// Works until the request is done; `check` may throw to end it before. Waits are short for its sake.
template <typename Check>
CURLcode work(Connection& connection, Check check) {
  const Curl& curl = Curl::instance();
  const Attached attached(connection);
  for (;;) {
    int running = 0;
    if (curl.multi_perform(connection.multi(), &running) != CURLM_OK) return CURLE_FAILED_INIT;
    int left = 0;
    if (const CURLMsg* message = curl.multi_info_read(connection.multi(), &left)) return message->data.result;
    check();
    curl.multi_poll(connection.multi(), nullptr, 0, kPollMilliseconds, nullptr);
  }
}

}  // namespace

std::string Response::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::unique_ptr<Connection> Transport::take_connection() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Connection>();
  std::unique_ptr<Connection> connection = std::move(idle_.back());
  idle_.pop_back();
  connection->reset();
  return connection;
}

Response Transport::perform(const Request& request, const TlsSettings& tls) {
  throw_if_cancelled();
  std::unique_ptr<Connection> connection = take_connection();
  Exchange exchange{.request = request, .response = {}, .error = {}};
  exchange.response.url = request.url;
  HeaderLines lines;
  append_headers(lines, request);
  std::string bundle;
  char details[CURL_ERROR_SIZE] = "";
  set_request(*connection, request, exchange, lines);
  set_body(*connection, request, exchange);
  set_tls(*connection, tls, bundle);
  connection->set(CURLOPT_ERRORBUFFER, details);
  const auto start = std::chrono::steady_clock::now();
  const CURLcode code = work(*connection, [&] { throw_if_cancelled(); });
  if (exchange.error) {
    try {
      std::rethrow_exception(exchange.error);
    } catch (const EnoughRead&) {
      return exchange.response;
    }
  }
  if (code != CURLE_OK) throw_failure(code, details, request);
  const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  log::debug("{}: {} after {} ms", presentable(request.url), exchange.response.status, taken.count());
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(connection));
  return std::move(exchange.response);
}

void Transport::wait(std::chrono::milliseconds duration) const {
  const auto deadline = std::chrono::steady_clock::now() + duration;
  for (auto now = std::chrono::steady_clock::now(); now < deadline; now = std::chrono::steady_clock::now()) {
    throw_if_cancelled();
    const auto step = std::chrono::milliseconds(kPollMilliseconds);
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(deadline - now, step));
  }
}

void Transport::throw_if_cancelled() const {
  if (cancelled_ != nullptr && cancelled_->load()) throw Error(ErrorKind::System, "speak to the registry", EINTR, {});
}

}  // namespace myct::registry
