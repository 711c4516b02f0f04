#include "topics.hpp"

#include <array>

namespace myct::cli {
namespace {

constexpr const char* kConditions =
    "KEY=VALUE, with a KEY of these. Conditions of one KEY are alternatives, one of each KEY must be met, and of "
    "labels "
    "all.";
constexpr const char* kTemplate =
    "A Go template is text with actions in {{ }}, such as {{.ID}}, {{json .}}, {{range}}, {{if}}. Its fields:";

constexpr std::array kPsKeys = {
    Term{"ancestor", "The image: a name, or the beginning of an id"},
    Term{"before, since", "A container: those created before it, or after it"},
    Term{"exited", "The exit status of one that has ended; needs -a"},
    Term{"expose, publish", "A port: no container has any yet"},
    Term{"health", "none, starting, healthy or unhealthy; none: it has no health check"},
    Term{"id, name", "An extended regular expression (regex(7)), found anywhere in it"},
    Term{"label", "KEY or KEY=VALUE"},
    Term{"network", "none or host"},
    Term{"status", "created, running, paused, restarting or exited; implies -a"},
    Term{"volume", "A volume's name, a bind's source, or a place in the container"},
};
constexpr std::array kPsFields = {
    Term{".ID, .Names, .Image, .Command", "What it is; without --no-trunc, ids and commands are cut"},
    Term{".State, .Status, .HealthStatus", "A word such as running; the same for people; how its health is"},
    Term{".CreatedAt, .RunningFor", "When it was created, and how long ago"},
    Term{".Labels, .Label \"KEY\"", "All labels; one label's value"},
    Term{".Mounts, .LocalVolumes", "What is mounted; the number of volumes"},
    Term{".Networks, .Ports", "The network's name; nothing yet"},
    Term{".Platform", "linux"},
    Term{".Size", "What it has written"},
};
constexpr std::array kEventKeys = {
    Term{"container", "A name, or the beginning of an id"},
    Term{"event", "What happened; rm is the same as destroy"},
    Term{"image", "The image, and containers made from it; by its name with a tag or without"},
    Term{"label", "KEY or KEY=VALUE"},
    Term{"type", "container or image"},
};
constexpr std::array kEvents = {
    Term{"create, start, die, destroy", "The life of a container; .Actor.Attributes of die has exitCode"},
    Term{"kill, oom, stop, restart, pause, unpause", "What ends and freezes it; kill has signal, its number"},
    Term{"attach, exec_start, exec_die", "Who joins it; exec_start has execCommand, exec_die has exitCode"},
    Term{"rename, update", "What changes it; rename has oldName"},
    Term{"pull, push, import, load, save", "An image comes or goes"},
    Term{"tag, untag, delete", "Its names, and its end"},
};
constexpr std::array kEventFields = {
    Term{".Action, .Status", "The event"},
    Term{".Type, .Scope", "container or image; local"},
    Term{".ID, .Actor.ID, .From", "The id, or of pull and push the image's name; a container's image"},
    Term{".Actor.Attributes", "A map: name, a container's image, the labels, and what the event has of its own"},
    Term{".Time, .TimeNano", "Seconds and nanoseconds since 1970"},
};
constexpr std::array kTimes = {
    Term{"10m, 1h30m", "That long ago; the units are ns, us, ms, s, m, h"},
    Term{"2024-05-01, 2024-05-01T10:00:00.5", "Local time, unless it ends with Z or an offset such as +02:00"},
    Term{"1714557600.5", "Seconds since 1970"},
};
constexpr std::array kInspectFields = {
    Term{".Id, .Name, .Created, .Image, .Path, .Args", "What it is; the name has a / before it"},
    Term{".State", ".Status, .Running, .Paused, .Pid, .ExitCode, .Error, .OOMKilled, .StartedAt, .FinishedAt, .Health"},
    Term{".Config", ".Env, .Cmd, .Entrypoint, .Labels, .User, .WorkingDir, .Hostname, .StopSignal"},
    Term{".HostConfig", ".NetworkMode, .RestartPolicy, .LogConfig, .Privileged, .Binds, .CapAdd, .Ulimits"},
    Term{".Mounts", "A list: .Type, .Name, .Source, .Destination, .RW"},
    Term{".NetworkSettings", ".IPAddress, .Networks, .Ports"},
    Term{".RestartCount, .LogPath, .GraphDriver.Data", "How often its policy has started it; its files"},
};
constexpr std::array kPruneKeys = {
    Term{"until", "A time: those created before; for its forms see myct-logs(1)"},
    Term{"label, label!", "KEY or KEY=VALUE: those that have it, or have it not"},
};

constexpr std::array kTopics = {
    Topic{"ps", "FILTERS", kConditions, kPsKeys},
    Topic{"ps", "TEMPLATES", kTemplate, kPsFields},
    Topic{"inspect", "TEMPLATES", kTemplate, kInspectFields},
    Topic{"logs", "TIMES", "A TIME is one of", kTimes},
    Topic{"events", "FILTERS", kConditions, kEventKeys},
    Topic{"events", "EVENTS", "What is told:", kEvents},
    Topic{"events", "TEMPLATES", kTemplate, kEventFields},
    Topic{"prune", "FILTERS", "KEY=VALUE, with a KEY of these; each must be met.", kPruneKeys},
    Topic{"wait",
          "OUTPUT",
          "The exit status of each container's program, a line each, in the order of the words; 128+n where signal n "
          "killed it, 255 where nobody saw its end. wait itself ends with 0 whatever they are.",
          {}},
};

}  // namespace

std::span<const Topic> topics() { return kTopics; }

}  // namespace myct::cli
