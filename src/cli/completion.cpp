// myct completion SHELL: scripts that ask `myct __complete` (complete.hpp), so that they know what the program knows.
#include <memory>
#include <string_view>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

// Readline breaks words at '=' and ':' (COMP_WORDBREAKS) and replaces only the last piece. The pieces are put together
// again where no blank was between them, and what precedes the last piece is taken off the candidates.
constexpr std::string_view kBash = R"(# bash completion for myct                                -*- shell-script -*-

_myct() {
  local -a words=()
  local rest=$COMP_LINE piece index line candidate kept
  for ((index = 0; index <= COMP_CWORD; index++)); do
    piece=${COMP_WORDS[index]}
    if [[ $index -eq 0 || $rest == [[:space:]]* ]]; then
      rest=${rest#"${rest%%[![:space:]]*}"}
      words+=("$piece")
    else
      words[-1]+=$piece
    fi
    rest=${rest#"$piece"}
  done
  kept=${words[-1]}
  piece=${COMP_WORDS[COMP_CWORD]}
  [[ $piece == [=:] ]] || kept=${kept%"$piece"}

  COMPREPLY=()
  while IFS= read -r line; do
    candidate=${line%%$'\t'*}
    case $candidate in
      :file | :directory)
        compopt -o filenames 2>/dev/null
        [[ $piece == [=:] ]] && piece=
        if [[ $candidate == :file ]]; then
          mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$piece")
        else
          mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$piece")
        fi
        ;;
      *)
        [[ $candidate == *[=:] ]] && compopt -o nospace 2>/dev/null
        COMPREPLY+=("${candidate#"$kept"}")
        ;;
    esac
  done < <("${COMP_WORDS[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)
}

complete -F _myct myct
)";

constexpr std::string_view kZsh = R"(#compdef myct

_myct() {
  local -a plain open
  local line word text ask= tab=$'\t'
  for line in "${(@f)$(_call_program candidates ${(q)words[1]} __complete ${(q)${(@Q)words[2,CURRENT-1]}} ${(qq)${(Q)PREFIX}} 2>/dev/null)}"; do
    case $line in
      '') ;;
      :*) ask=$line ;;
      *)
        word=${line%%$tab*}
        text=${line#*$tab}
        if [[ $word == *[=:] ]]; then
          open+=("${word//:/\\:}${text:+:$text}")
        else
          plain+=("${word//:/\\:}${text:+:$text}")
        fi
        ;;
    esac
  done
  local result=1
  ((${#plain})) && _describe -t values myct plain && result=0
  ((${#open})) && _describe -t prefixes myct open -S '' && result=0
  [[ -n $ask && $PREFIX == --*=* ]] && compset -P '*='
  [[ $ask == :file ]] && _files && result=0
  [[ $ask == :directory ]] && _files -/ && result=0
  return result
}

if [[ ${funcstack[1]} == _myct ]]; then
  _myct "$@"
else
  compdef _myct myct
fi
)";

constexpr std::string_view kFish = R"(# fish completion for myct

function __myct_candidates
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l prefix (string match -r -- '^--[^=]*=' $typed)
    set -l value (string replace -r -- '^--[^=]*=' '' $typed)
    for line in ($words[1] __complete $words[2..-1] "$typed" 2>/dev/null)
        switch $line
            case :file
                for path in (__fish_complete_path "$value")
                    echo "$prefix$path"
                end
            case :directory
                for path in (__fish_complete_directories "$value" '')
                    echo "$prefix$path"
                end
            case '*'
                echo $line
        end
    end
end

complete -c myct -f -a '(__myct_candidates)'
)";

}  // namespace

void define_completion(CLI::App& command, Action& action) {
  const auto shell = std::make_shared<std::string>();
  set_usage(command, "Usage: myct completion bash|zsh|fish");
  command.add_option("SHELL", *shell, "bash, zsh or fish")->required();
  action = [shell](const manager::Context&) {
    std::string_view script;
    if (*shell == "bash")
      script = kBash;
    else if (*shell == "zsh")
      script = kZsh;
    else if (*shell == "fish")
      script = kFish;
    else
      throw Error(ErrorKind::Usage, fmt::format("unknown shell '{}'", *shell), 0, "bash, zsh and fish are known")
          .set_exit_status(kExitFailure);
    script.remove_suffix(1);  // print_line adds the newline
    print_line(script);
    return 0;
  };
}

}  // namespace myct::cli
