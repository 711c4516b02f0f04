// The options before the command, and what they mean together with the environment.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "myct/manager/request.hpp"

namespace myct::cli {

struct Globals {
  std::string root;
  std::string runtime_dir;
  std::string cgroup_manager;
  std::string bridge_subnet;
  bool debug = false;
};

/// Makes `app` the program itself: its usage, version and global options, without commands.
void define_program(CLI::App& app, Globals& globals);

/// Where everything is kept: the options, else the environment, else the defaults.
[[nodiscard]] manager::Context make_context(const Globals& globals);

}  // namespace myct::cli
