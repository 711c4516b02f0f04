// Reads a record. ps reads a thousand of them within 30 ms: what the parser finds goes straight into the struct. A tree
// of values in between took twice as long as the parser itself.
#include <array>
#include <type_traits>
#include <utility>
#include <variant>

#include "myct/base/error.hpp"
#include "myct/base/json.hpp"
#include "myct/state/record.hpp"
#include "record_json.hpp"

namespace myct::state {
namespace {

using json::Value;

/// The object that a member stands in. Unknown ones are passed over with all that is in them.
enum class Section : uint8_t {
  Document,
  Labels,
  Restart,
  Log,
  Healthcheck,
  Settings,
  Mounts,
  Devices,
  Networks,
  Outcome,
  Unknown
};

using Scalar = std::variant<std::string_view, bool, int64_t, uint64_t, double>;

// put() gives `target` the value, or returns false when it cannot have that value.

template <typename T>
bool put_if_known(T& target, std::optional<T> value) {
  if (value) target = *value;
  return value.has_value();
}

template <typename Integer>
bool put_integer(Integer& target, const Scalar& value) {
  const auto put_if_in_range = [&target](auto number) {
    if (!std::in_range<Integer>(number)) return false;
    target = static_cast<Integer>(number);
    return true;
  };
  if (const auto* number = std::get_if<int64_t>(&value)) return put_if_in_range(*number);
  if (const auto* number = std::get_if<uint64_t>(&value)) return put_if_in_range(*number);
  return false;
}

bool put(int& target, const Scalar& value) { return put_integer(target, value); }
bool put(unsigned& target, const Scalar& value) { return put_integer(target, value); }
bool put(uint64_t& target, const Scalar& value) { return put_integer(target, value); }

bool put(std::chrono::nanoseconds& target, const Scalar& value) {
  int64_t count = 0;
  const bool is_number = put_integer(count, value);
  target = std::chrono::nanoseconds(count);
  return is_number;
}

bool put(bool& target, const Scalar& value) {
  const auto* flag = std::get_if<bool>(&value);
  if (flag != nullptr) target = *flag;
  return flag != nullptr;
}

bool put(std::string& target, const Scalar& value) {
  const auto* text = std::get_if<std::string_view>(&value);
  if (text != nullptr) target = *text;
  return text != nullptr;
}

bool put(SystemTime& target, const Scalar& value) {
  const auto* text = std::get_if<std::string_view>(&value);
  return text != nullptr && put_if_known(target, parse_time(*text));
}

bool put(std::optional<SystemTime>& target, const Scalar& value) { return put(target.emplace(), value); }

bool put(RestartPolicy& target, const Scalar& value) {
  const auto* word = std::get_if<std::string_view>(&value);
  return word != nullptr && put_if_known(target, restart_from_word(*word));
}

bool put(LogDriver& target, const Scalar& value) {
  const auto* word = std::get_if<std::string_view>(&value);
  return word != nullptr && put_if_known(target, driver_from_word(*word));
}

/// One element.
bool put(std::vector<std::string>& target, const Scalar& value) { return put(target.emplace_back(), value); }

/// What a document consists of.
struct Document {
  int version = 0;
  Record record;
};

struct Member {
  Section section;
  std::string_view key;
  bool is_list;
  bool (*put)(Document& document, const Scalar& value);
};

/// The struct that a section's members are in.
template <Section Where>
auto& home_of(Document& document) {
  Record& record = document.record;
  if constexpr (Where == Section::Restart) return record.restart;
  if constexpr (Where == Section::Log) return record.log;
  if constexpr (Where == Section::Healthcheck) return *record.healthcheck;  // made when its object began
  if constexpr (Where == Section::Settings) return record.settings;
  if constexpr (Where == Section::Mounts) return record.settings.mounts.back();    // likewise
  if constexpr (Where == Section::Devices) return record.settings.devices.back();  // likewise
  if constexpr (Where == Section::Networks) return record.settings.networks.back();
  if constexpr (Where == Section::Outcome) return *record.outcome;  // likewise
  if constexpr (Where == Section::Document) return record;
}

template <Section Where, auto Place>
constexpr Member member(std::string_view key) {
  using Home = std::remove_reference_t<decltype(home_of<Where>(std::declval<Document&>()))>;
  using Target = std::remove_reference_t<decltype(std::declval<Home&>().*Place)>;
  return {Where, key, std::is_same_v<Target, std::vector<std::string>>,
          [](Document& document, const Scalar& value) { return put(home_of<Where>(document).*Place, value); }};
}

constexpr std::array kMembers = {
    Member{Section::Document, "version", false,
           [](Document& document, const Scalar& value) { return put(document.version, value); }},
    member<Section::Document, &Record::id>("id"),
    member<Section::Document, &Record::name>("name"),
    member<Section::Document, &Record::created>("created"),
    member<Section::Document, &Record::image>("image"),
    member<Section::Document, &Record::image_id>("imageId"),
    member<Section::Document, &Record::command>("command"),
    member<Section::Document, &Record::auto_remove>("autoRemove"),
    member<Section::Document, &Record::tty>("tty"),
    member<Section::Document, &Record::interactive>("interactive"),
    member<Section::Document, &Record::anonymous_volumes>("anonymousVolumes"),
    member<Section::Document, &Record::stop_signal>("stopSignal"),
    member<Section::Document, &Record::stop_seconds>("stopSeconds"),
    member<Section::Document, &Record::started_at>("startedAt"),
    member<Section::Document, &Record::restart_count>("restartCount"),
    member<Section::Document, &Record::stopped_by_user>("stoppedByUser"),
    member<Section::Restart, &Restart::policy>("policy"),
    member<Section::Restart, &Restart::max_attempts>("maxAttempts"),
    member<Section::Log, &LogConfig::driver>("driver"),
    member<Section::Log, &LogConfig::max_size>("maxSize"),
    member<Section::Log, &LogConfig::max_file>("maxFile"),
    member<Section::Log, &LogConfig::options>("options"),
    member<Section::Healthcheck, &oci::Healthcheck::test>("test"),
    member<Section::Healthcheck, &oci::Healthcheck::interval>("interval"),
    member<Section::Healthcheck, &oci::Healthcheck::timeout>("timeout"),
    member<Section::Healthcheck, &oci::Healthcheck::start_period>("startPeriod"),
    member<Section::Healthcheck, &oci::Healthcheck::start_interval>("startInterval"),
    member<Section::Healthcheck, &oci::Healthcheck::retries>("retries"),
    member<Section::Healthcheck, &oci::Healthcheck::shell>("shell"),
    member<Section::Settings, &Settings::entrypoint>("entrypoint"),
    member<Section::Settings, &Settings::cmd>("cmd"),
    member<Section::Settings, &Settings::user>("user"),
    member<Section::Settings, &Settings::network>("network"),
    member<Section::Settings, &Settings::ports>("ports"),
    member<Section::Settings, &Settings::dns>("dns"),
    member<Section::Settings, &Settings::dns_search>("dnsSearch"),
    member<Section::Settings, &Settings::dns_options>("dnsOptions"),
    member<Section::Settings, &Settings::extra_hosts>("extraHosts"),
    member<Section::Settings, &Settings::exposed>("exposed"),
    member<Section::Settings, &Settings::publish_all>("publishAll"),
    member<Section::Settings, &Settings::cap_add>("capAdd"),
    member<Section::Settings, &Settings::cap_drop>("capDrop"),
    member<Section::Settings, &Settings::security_options>("securityOptions"),
    member<Section::Settings, &Settings::device_rules>("deviceRules"),
    member<Section::Settings, &Settings::cgroup_parent>("cgroupParent"),
    member<Section::Settings, &Settings::privileged>("privileged"),
    member<Section::Settings, &Settings::init>("init"),
    member<Section::Mounts, &MountPoint::type>("type"),
    member<Section::Mounts, &MountPoint::name>("name"),
    member<Section::Mounts, &MountPoint::source>("source"),
    member<Section::Mounts, &MountPoint::destination>("destination"),
    member<Section::Mounts, &MountPoint::propagation>("propagation"),
    member<Section::Mounts, &MountPoint::writable>("writable"),
    member<Section::Devices, &MappedDevice::host_path>("hostPath"),
    member<Section::Devices, &MappedDevice::container_path>("containerPath"),
    member<Section::Devices, &MappedDevice::access>("access"),
    member<Section::Networks, &NetworkAttachment::network>("network"),
    member<Section::Networks, &NetworkAttachment::address>("address"),
    member<Section::Networks, &NetworkAttachment::address6>("address6"),
    member<Section::Networks, &NetworkAttachment::mac>("mac"),
    member<Section::Networks, &NetworkAttachment::aliases>("aliases"),
    member<Section::Outcome, &Outcome::exit_code>("exitCode"),
    member<Section::Outcome, &Outcome::finished_at>("finishedAt"),
    member<Section::Outcome, &Outcome::oom_killed>("oomKilled"),
    member<Section::Outcome, &Outcome::error>("error"),
};

struct Opening {
  Section in;
  std::string_view key;
  Section opens;
};
constexpr std::array kOpenings = {
    Opening{Section::Document, "labels", Section::Labels},
    Opening{Section::Document, "restart", Section::Restart},
    Opening{Section::Document, "log", Section::Log},
    Opening{Section::Document, "healthcheck", Section::Healthcheck},
    Opening{Section::Document, "outcome", Section::Outcome},
    Opening{Section::Document, "settings", Section::Settings},
    Opening{Section::Settings, "mounts", Section::Mounts},
    Opening{Section::Settings, "devices", Section::Devices},
    Opening{Section::Settings, "networks", Section::Networks},
};

const Member* find_member(Section section, std::string_view key) noexcept {
  for (const Member& member : kMembers)
    if (member.section == section && member.key == key) return &member;
  return nullptr;
}

Section opened_by(Section section, std::string_view key) noexcept {
  for (const Opening& opening : kOpenings)
    if (opening.in == section && opening.key == key) return opening.opens;
  return Section::Unknown;
}

/// What nlohmann's parser calls (json_sax); every function returns whether to go on.
class Handler {
 public:
  Handler(std::string_view text, Document& document) : text_(text), document_(document) { places_.reserve(4); }

  /// What broke the reading off: the document is not JSON, or not an object. Empty: nothing did.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }
  /// The first member that has a value that it cannot have. Empty: none.
  [[nodiscard]] const std::string& wrong_member() const noexcept { return wrong_member_; }

  bool null() { return true; }
  bool boolean(bool value) { return take(value); }
  bool number_integer(int64_t value) { return take(value); }
  bool number_unsigned(uint64_t value) { return take(value); }
  bool number_float(double value, const std::string&) { return take(value); }
  bool string(const std::string& value) { return take(std::string_view(value)); }
  bool binary(const Value::binary_t&) { return false; }  // not in text

  bool start_object(size_t) {
    if (places_.empty()) {
      places_.push_back({.section = Section::Document});
      return true;
    }
    const Place& place = places_.back();
    if (place.member != nullptr || place.section == Section::Labels) reject();
    const bool is_list =
        place.opens == Section::Mounts || place.opens == Section::Devices || place.opens == Section::Networks;
    const bool is_expected = place.in_list == is_list;
    const Section section = is_expected ? place.opens : Section::Unknown;
    if (section == Section::Healthcheck) document_.record.healthcheck.emplace();
    if (section == Section::Outcome) document_.record.outcome.emplace();
    if (section == Section::Mounts) document_.record.settings.mounts.emplace_back();
    if (section == Section::Devices) document_.record.settings.devices.emplace_back();
    if (section == Section::Networks) document_.record.settings.networks.emplace_back();
    places_.push_back({.section = section});
    return true;
  }

  bool key(const std::string& key) {
    Place& place = places_.back();
    key_ = key;
    place.member = find_member(place.section, key);
    place.opens = place.member == nullptr ? opened_by(place.section, key) : Section::Unknown;
    return true;
  }

  bool end_object() { return leave(); }

  bool start_array(size_t) {
    if (places_.empty()) return refuse();
    Place list = places_.back();
    list.in_list = true;
    places_.push_back(list);
    return true;
  }

  bool end_array() { return leave(); }

  bool parse_error(size_t position, const std::string&, const Value::exception&) {
    fault_ = json::describe_damage(text_, position);
    return false;
  }

 private:
  /// Where the parser is, and what the last key there was.
  struct Place {
    Section section;
    const Member* member = nullptr;    ///< the key's, unless it opens a section or is unknown
    Section opens = Section::Unknown;  ///< what an object there is
    bool in_list = false;
  };

  bool refuse() {
    fault_ = "not a JSON object";
    return false;
  }

  void reject() {
    if (wrong_member_.empty()) wrong_member_ = key_;
  }

  bool leave() {
    places_.pop_back();
    return true;
  }

  bool take(const Scalar& value) {
    if (places_.empty()) return refuse();
    const Place& place = places_.back();
    if (place.section == Section::Labels) {
      if (place.in_list || !put(document_.record.labels[key_], value)) reject();
    } else if (place.member != nullptr) {
      if (place.in_list != place.member->is_list || !place.member->put(document_, value)) reject();
    }
    return true;
  }

  std::string_view text_;
  Document& document_;
  std::vector<Place> places_;
  std::string key_;
  std::string fault_;
  std::string wrong_member_;
};

}  // namespace

Record record_from_json(std::string_view text, std::string_view name) {
  Document document;
  Handler handler(text, document);
  const bool is_whole = Value::sax_parse(text, &handler);
  if (!is_whole) throw_error(ErrorKind::Invalid, "read '{}': {}", name, handler.fault());
  check_version(document.version, name);
  if (!handler.wrong_member().empty())
    throw_error(ErrorKind::Invalid, "read '{}': member '{}' has a value of the wrong kind", name,
                handler.wrong_member());
  if (document.record.created == SystemTime{})
    throw_error(ErrorKind::Invalid, "read '{}': member 'created' is missing", name);
  return std::move(document.record);
}

}  // namespace myct::state
