// myct stats.
#include "myct/manager/stats.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>

#include "command.hpp"
#include "format.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

using manager::Stats;
using std::chrono::milliseconds;

struct Flags {
  std::vector<std::string> containers;
  bool all = false;
  bool once = false;
  bool full = false;
  std::string format;
};

constexpr milliseconds kInterval{1000};
/// What a processor does shows between two readings: these are the first two. Whole periods of a quota (100 ms) lie
/// between them, or it would depend on where they start how much of one is seen.
constexpr milliseconds kFirstInterval{500};

constexpr const char* kTable =
    "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}\t"
    "{{.Pressure}}";
constexpr const char* kUnknown = "--";

std::string percent_text(const std::optional<double>& percent) {
  return percent ? fmt::format("{:.2f}%", *percent) : kUnknown;
}

std::string pressure_text(const std::optional<manager::Pressure>& pressure) {
  return percent_text(pressure ? std::optional(pressure->some.avg10) : std::nullopt);
}

std::string pressures_text(const Stats& stats) {
  return fmt::format("{} / {} / {}", pressure_text(stats.cpu_pressure), pressure_text(stats.memory_pressure),
                     pressure_text(stats.io_pressure));
}

std::string pair_text(const std::optional<uint64_t>& first, const std::optional<uint64_t>& second,
                      std::string (*format)(uint64_t)) {
  const auto text = [&](const std::optional<uint64_t>& value) { return value ? format(*value) : kUnknown; };
  return text(first) + " / " + text(second);
}

std::string decimal_size(uint64_t bytes) { return human_size(bytes, 3); }

std::optional<double> memory_percent(const Stats& stats) {
  if (!stats.memory || stats.memory_limit.value_or(0) == 0) return std::nullopt;
  return 100.0 * static_cast<double>(*stats.memory) / static_cast<double>(*stats.memory_limit);
}

// --- the numbers themselves, for scripts
// ------------------------------------------------------------------------------

template <typename T>
Json number_or_null(const std::optional<T>& number) {
  return number ? Json(*number) : Json(nullptr);
}

Json averages_to_json(const manager::PressureAverages& averages) {
  return {{"avg10", averages.avg10}, {"avg60", averages.avg60}, {"avg300", averages.avg300}, {"total", averages.total}};
}

Json pressure_to_json(const std::optional<manager::Pressure>& pressure) {
  if (!pressure) return nullptr;
  return {{"some", averages_to_json(pressure->some)}, {"full", averages_to_json(pressure->full)}};
}

Json build_raw(const Stats& stats) {
  return {{"CPUMicroseconds", number_or_null(stats.cpu_microseconds)},
          {"CPUPercent", number_or_null(stats.cpu_percent)},
          {"MemoryBytes", number_or_null(stats.memory)},
          {"MemoryLimitBytes", number_or_null(stats.memory_limit)},
          {"NetReceivedBytes", number_or_null(stats.net_received)},
          {"NetSentBytes", number_or_null(stats.net_sent)},
          {"BlockReadBytes", number_or_null(stats.block_read)},
          {"BlockWrittenBytes", number_or_null(stats.block_written)},
          {"PIDs", number_or_null(stats.pids)},
          {"Pressure",
           {{"CPU", pressure_to_json(stats.cpu_pressure)},
            {"Memory", pressure_to_json(stats.memory_pressure)},
            {"IO", pressure_to_json(stats.io_pressure)}}}};
}

// --- rows
// -------------------------------------------------------------------------------------------------------------

/// Docker's in docker's order, then ours.
const std::vector<Column> kColumns = {
    {"BlockIO", "BLOCK I/O"},
    {"CPUPerc", "CPU %"},
    {"Container", "CONTAINER"},
    {"ID", "CONTAINER ID"},
    {"MemPerc", "MEM %"},
    {"MemUsage", "MEM USAGE / LIMIT"},
    {"Name", "NAME"},
    {"NetIO", "NET I/O"},
    {"PIDs", "PIDS"},
    {"CPUPressure", "CPU PRESSURE"},
    {"IOPressure", "IO PRESSURE"},
    {"MemPressure", "MEM PRESSURE"},
    {"Pressure", "PRESSURE CPU / MEM / IO"},
};

Row make_row(const Stats& stats, const Flags& flags) {
  const auto id = [&](const std::string& text) { return flags.full ? text : short_id(text); };
  Json fields = {
      {"BlockIO", pair_text(stats.block_read, stats.block_written, decimal_size)},
      {"CPUPerc", percent_text(stats.cpu_percent)},
      {"Container", stats.reference == stats.id ? id(stats.id) : stats.reference},
      {"ID", id(stats.id)},
      {"MemPerc", percent_text(memory_percent(stats))},
      {"MemUsage", pair_text(stats.memory, stats.memory_limit, human_binary_size)},
      {"Name", stats.name},
      {"NetIO", pair_text(stats.net_received, stats.net_sent, decimal_size)},
      {"PIDs", stats.pids ? std::to_string(*stats.pids) : kUnknown},
      {"CPUPressure", pressure_text(stats.cpu_pressure)},
      {"IOPressure", pressure_text(stats.io_pressure)},
      {"MemPressure", pressure_text(stats.memory_pressure)},
      {"Pressure", pressures_text(stats)},
      {"Raw", build_raw(stats)},
  };
  return {.fields = std::move(fields), .labels = {}};
}

// --- again and again
// --------------------------------------------------------------------------------------------------

/// Ctrl-C and the like, blocked while this lives, so that they end a wait and nothing else.
class Interruption {
 public:
  Interruption() {
    ::sigemptyset(&set_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::sigaddset(&set_, number);
    ::sigprocmask(SIG_BLOCK, &set_, &before_);
  }
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

  /// True when it came within that time.
  [[nodiscard]] bool comes_within(milliseconds time) const {
    const timespec limit{.tv_sec = time.count() / 1000, .tv_nsec = time.count() % 1000 * 1'000'000};
    return ::sigtimedwait(&set_, nullptr, &limit) > 0;
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

/// A table on a terminal is drawn over the last one.
bool is_redrawn(const Flags& flags) {
  return !flags.once && ::isatty(STDOUT_FILENO) != 0 && (flags.format.empty() || flags.format.starts_with("table"));
}

void draw(const std::string& text) {
  // Home; each line clears what was right of it, and the last what was below.
  std::string screen = "\x1b[H";
  for (const char c : text + "\n") {
    if (c == '\n') screen += "\x1b[K";
    screen += c;
  }
  print_text(screen + "\x1b[J");
}

int show(const manager::Context& context, const Flags& flags) {
  const ListFormat format(flags.format, kTable);
  manager::StatsReader reader(context, {.containers = flags.containers, .all = flags.all});
  const Interruption interruption;
  (void)reader.read();
  if (interruption.comes_within(kFirstInterval)) return 0;
  const bool redraw = is_redrawn(flags);
  if (redraw) print_text("\x1b[2J");
  for (;;) {
    const std::vector<Stats> all = reader.read();
    if (all.empty() && !flags.containers.empty()) return 0;  // all that were named are gone
    std::vector<Row> rows;
    for (const Stats& stats : all) rows.push_back(make_row(stats, flags));
    const std::string text = format.render(kColumns, rows);
    if (redraw)
      draw(text);
    else if (!text.empty())
      print_line(text);
    if (!flush_output() || flags.once || interruption.comes_within(kInterval)) return 0;
  }
}

}  // namespace

void define_stats(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct stats [OPTIONS] [CONTAINER...]");
  command.add_option("CONTAINER", flags->containers, "Names, ids, or unique beginnings of ids; none: all that run");
  command.add_flag("-a,--all", flags->all, "Show those that do not run, too");
  command.add_option("--format", flags->format, "table, json, 'table TEMPLATE', or a Go template for each line")
      ->type_name("FORMAT")
      ->take_last();
  command.add_flag("--no-stream", flags->once, "Show it once");
  command.add_flag("--no-trunc", flags->full, "Print whole ids");
  action = [flags](const manager::Context& context) { return show(context, *flags); };
}

}  // namespace myct::cli
