#include "template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "myct/base/error.hpp"

namespace myct::cli {
namespace {

using ::testing::HasSubstr;

/// Shaped like docker inspect's document.
const Json& document() {
  static const Json json = Json::parse(R"({
    "Id": "0123456789abcdef", "Name": "/web", "Count": 3, "Ratio": 1.5, "Empty": "",
    "State": {"Status": "running", "Running": true, "ExitCode": 0},
    "Args": ["-c", "echo hi"],
    "ExecIDs": null, "Nothing": null,
    "HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}}, "PortBindings": null},
    "Mounts": [{"Type": "bind", "Source": "/a", "RW": true}, {"Type": "volume", "Source": "/b", "RW": false}],
    "Config": {"Labels": {"tier": "front", "app": "web"}, "Tty": false},
    "NetworkSettings": {"Networks": {"none": {"IPAddress": ""}, "bridge": {"IPAddress": "172.17.0.2"}}}
  })");
  return json;
}

std::string render(const std::string& text) {
  static const std::map<std::string, std::string> labels = {{"com.x.app-name", "shop"}};
  return Template(text).render({.root = document(), .labels = &labels});
}

struct Case {
  std::string name;
  std::string text;
  std::string expected;
};
std::ostream& operator<<(std::ostream& stream, const Case& c) { return stream << c.text; }
std::string name_of(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

class Rendered : public ::testing::TestWithParam<Case> {};
TEST_P(Rendered, is_what_docker_prints) { EXPECT_EQ(render(GetParam().text), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(
    Values, Rendered,
    ::testing::Values(Case{"literal_text", "a } b", "a } b"}, Case{"field", "{{.Name}}", "/web"},
                      Case{"fields_of_fields", "{{.State.Running}} {{.State.ExitCode}}", "true 0"},
                      Case{"blanks_in_actions", "{{ .Name }}{{\t.Name\n}}", "/web/web"},
                      Case{"list", "{{.Args}}", "[-c echo hi]"}, Case{"struct", "{{.State}}", "{running true 0}"},
                      Case{"map_by_sorted_keys", "{{.Config.Labels}}", "map[app:web tier:front]"},
                      Case{"list_of_structs", "{{.Mounts}}", "[{bind /a true} {volume /b false}]"},
                      Case{"missing_key_of_a_map", "{{.Config.Labels.nope}}", "<no value>"},
                      Case{"missing_key_of_log_options", "{{.HostConfig.LogConfig.Config.nope}}", "<no value>"},
                      Case{"member_of_what_is_missing", "{{.Config.Labels.nope.deeper}}", "<no value>"},
                      Case{"null", "{{.Nothing}}", "<nil>"}, Case{"null_list", "{{.ExecIDs}}", "[]"},
                      Case{"null_map", "{{.HostConfig.PortBindings}}", "map[]"},
                      Case{"map_of_structs", "{{.NetworkSettings.Networks.bridge.IPAddress}}", "172.17.0.2"},
                      Case{"real", "{{.Ratio}}", "1.5"}, Case{"reals", "{{1e6}} {{0.00001}} {{1.0}}", "1e+06 1e-05 1"},
                      Case{"whole_numbers", "{{0x1F}} {{-3}} {{+3}} {{.5}}", "31 -3 3 0.5"},
                      Case{"quoted_escapes", R"({{"a\t\"\u00e9\x41\101"}})", "a\t\"éAA"},
                      Case{"raw_string", "{{`a\\n`}}", "a\\n"}, Case{"closing_braces_in_a_string", "{{\"}}\"}}", "}}"},
                      Case{"label", "{{.Label \"com.x.app-name\"}}", "shop"},
                      Case{"label_that_is_missing", "{{.Label \"x\"}}|", "|"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Actions, Rendered,
    ::testing::Values(
        Case{"trimming", "a {{- \"b\" -}} \n c", "abc"}, Case{"comment", "a{{/* c */}}b{{- /* d */ -}} e", "abe"},
        Case{"negative_number_is_no_trim", "a {{-3}}", "a -3"},
        Case{"if_else_if", "{{if false}}1{{else if true}}2{{else}}3{{end}}", "2"},
        Case{"if_else", "{{if .Empty}}full{{else}}empty{{end}}", "empty"},
        Case{"if_zero_and_lists", "{{if 0}}a{{end}}{{if .Args}}b{{end}}{{if .ExecIDs}}c{{end}}", "b"},
        Case{"range_list", "{{range .Mounts}}{{.Source}};{{end}}", "/a;/b;"},
        Case{"range_index", "{{range $i, $m := .Mounts}}{{if $i}},{{end}}{{$m.Type}}{{end}}", "bind,volume"},
        Case{"range_one_variable", "{{range $m := .Args}}[{{$m}}]{{end}}", "[-c][echo hi]"},
        Case{"range_map_sorted", "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}", "app=web tier=front "},
        Case{"range_nothing", "{{range .ExecIDs}}x{{else}}none{{end}}", "none"},
        Case{"range_number", "{{range 3}}{{.}}{{end}}", "012"},
        Case{"break_and_continue",
             "{{range split \"a,b,c,d\" \",\"}}{{if eq . \"b\"}}{{continue}}{{end}}{{if eq . "
             "\"d\"}}{{break}}{{end}}{{.}}{{end}}",
             "ac"},
        Case{"root_inside_range", "{{range .Args}}{{$.Name}}{{end}}", "/web/web"},
        Case{"with", "{{with .State}}{{.Status}}{{end}}", "running"},
        Case{"with_else", "{{with .Empty}}x{{else}}y{{end}}", "y"},
        Case{"with_variable", "{{with $x := \"v\"}}{{$x}}{{.}}{{end}}", "vv"},
        Case{"variables", "{{$x := 1}}{{$y := $x}}{{$x = 2}}{{$x}}{{$y}}", "21"},
        Case{"assignment_from_inside", "{{$n := 0}}{{range .Args}}{{$n = len .}}{{end}}{{$n}}", "7"},
        Case{"pipeline", "{{.State.Status | upper | printf \"%s-%s\" \"x\"}}", "x-RUNNING"},
        Case{"parentheses", "{{(index .Mounts 1).Type | upper}} {{len (split \"a:b\" \":\")}}", "VOLUME 2"},
        Case{"nested_blocks", "{{range .Mounts}}{{if .RW}}{{with .Type}}{{.}}{{end}}{{end}}{{end}}", "bind"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Functions, Rendered,
    ::testing::Values(
        Case{"json_text", "{{json \"<&>\\n\"}}", "\"<&>\\n\""},
        Case{"json_object", "{{json .State}}", R"({"Status":"running","Running":true,"ExitCode":0})"},
        Case{"json_list", "{{.Args | json}}", R"(["-c","echo hi"])"}, Case{"json_nil", "{{json nil}}", "null"},
        Case{"json_null", "{{json .ExecIDs}}", "null"}, Case{"split", "{{split \"a:b\" \":\"}}", "[a b]"},
        Case{"split_characters", "{{split \"aé\" \"\"}}", "[a é]"}, Case{"join", "{{join .Args \" \"}}", "-c echo hi"},
        Case{"join_null", "{{join .ExecIDs \",\"}}|", "|"}, Case{"title", "{{title \"a-b c_d e.f\"}}", "A-B C_d E.F"},
        Case{"lower_upper", "{{lower \"AbC\"}} {{upper \"abc\"}}", "abc ABC"},
        Case{"pad", "{{pad \"x\" 2 3}}|{{pad \"\" 2 2}}|", "  x   ||"},
        Case{"truncate", "{{truncate .Id 4}} {{truncate \"ab\" 5}}", "0123 ab"},
        Case{"println", "{{println 1 \"a\"}}|{{println}}|", "1 a\n|\n|"},
        Case{"print", "{{print \"a\" 1 2 \"b\"}} {{print nil}}", "a1 2b <nil>"},
        Case{"index_list_and_map", "{{index .Args 1}} {{index .Config.Labels \"app\"}}", "echo hi web"},
        Case{"index_missing_key", "{{index .Config.Labels \"nope\"}}|", "|"},
        Case{"index_deep", "{{index .NetworkSettings.Networks \"bridge\" | json}}", R"({"IPAddress":"172.17.0.2"})"},
        Case{"index_text", "{{index \"abc\" 1}}", "98"},
        Case{"len", "{{len .Args}} {{len \"héllo\"}} {{len .Config.Labels}}", "2 6 2"},
        Case{"len_null", "{{len .ExecIDs}}", "0"},
        Case{"slice", "{{slice \"abcdef\" 1 3}} {{slice .Args 1}}", "bc [echo hi]"},
        Case{"eq", "{{eq .State.Status \"running\"}} {{eq 1 2 1}} {{eq true false}}", "true true false"},
        Case{"ne", "{{ne \"a\" \"b\"}} {{ne .Count 3}}", "true false"},
        Case{"order", "{{lt 1 2}} {{le \"a\" \"b\"}} {{gt 1 2}} {{ge 2 2}}", "true true false true"},
        Case{"and_or", "{{and 1 0}} {{or \"\" \"x\"}} {{and true .Name}}", "0 x /web"},
        Case{"or_ends_at_the_first_truth", "{{or true (index .Args 9)}}", "true"},
        Case{"not", "{{not .State.Running}}", "false"},
        Case{"html_urlquery", "{{html \"<a&'\\\"\"}} {{urlquery \"a b&c\"}}", "&lt;a&amp;&#39;&#34; a+b%26c"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Printf, Rendered,
    ::testing::Values(
        Case{"whole", R"({{printf "%5d|%-5d|%05d|%+d|%x|%X|%#x|%o|%b" 42 42 -42 42 255 255 255 8 5}})",
             "   42|42   |-0042|+42|ff|FF|0xff|10|101"},
        Case{"text", R"({{printf "%s|%6s|%-6s|%06s|%.2s|%x" "ab" "ab" "ab" "ab" "abcdef" "az"}})",
             "ab|    ab|ab    |0000ab|ab|617a"},
        Case{"quoted", R"({{printf "%q" "a\"b\n"}})", R"("a\"b\n")"},
        Case{"real", R"({{printf "%8.3f|%5.1f%%|%e|%g" 3.14159 99.55 1.5 2.5}})", "   3.142| 99.5%|1.500000e+00|2.5"},
        Case{"bool_and_any", R"({{printf "%t %v %v %v" true 1 "a" .Args}})", "true 1 a [-c echo hi]"},
        Case{"lists", R"({{printf "%s %q" .Args .Args}})", R"([-c echo hi] ["-c" "echo hi"])"},
        Case{"wrong_types", R"({{printf "%s" 3}} {{printf "%d" "x"}} {{printf "%s" true}} {{printf "%z" 3}})",
             "%!s(int=3) %!d(string=x) %!s(bool=true) %!z(int=3)"},
        Case{"missing_and_extra", R"({{printf "%d"}} {{printf "a" 1 "b"}} {{printf "%"}})",
             "%!d(MISSING) a%!(EXTRA int=1, string=b) %!(NOVERB)"},
        Case{"nil", R"({{printf "%v" nil}} {{printf "%s" nil}} {{printf "%s" .Config.Labels.nope}})",
             "<nil> %!s(<nil>) %!s(<nil>)"},
        Case{"columns", R"({{range .Mounts}}{{printf "%-8s%s\n" .Type .Source}}{{end}})", "bind    /a\nvolume  /b\n"}),
    name_of);

class Unparsable : public ::testing::TestWithParam<Case> {};
TEST_P(Unparsable, is_a_usage_error_that_names_the_column) {
  try {
    (void)Template(GetParam().text);
    FAIL() << "parsed";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_status(), kExitBadTemplate);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().expected));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Templates, Unparsable,
    ::testing::Values(
        Case{"unclosed", "ab{{.Foo", "column 3: unclosed action"}, Case{"empty", "{{}}", "missing value"},
        Case{"single_brace", "{{.Foo}", "unexpected character '}'"},
        Case{"unknown_function", "{{foo}}", "function 'foo' not defined"},
        Case{"unknown_variable", "{{$y}}", "undefined variable '$y'"},
        Case{"variable_out_of_scope", "{{if true}}{{$x := 1}}{{end}}{{$x}}", "undefined variable '$x'"},
        Case{"assignment_to_nothing", "{{$x = 1}}", "undefined variable '$x'"},
        Case{"missing_end", "{{if true}}", "{{end}} is missing"},
        Case{"missing_end_after_else", "{{if true}}{{else}}", "{{end}} is missing"},
        Case{"end_of_nothing", "x{{end}}", "unexpected {{end}}"},
        Case{"else_of_nothing", "{{else}}", "unexpected {{else}}"},
        Case{"if_nothing", "{{if}}x{{end}}", "missing value"}, Case{"break_outside", "{{break}}", "outside {{range}}"},
        Case{"nil_alone", "{{nil}}", "nil is not a command"},
        Case{"piped_into_a_value", "{{.A | 3}}", "only a function"},
        Case{"nothing_after_pipe", "{{.A | }}", "missing value"}, Case{"parenthesis", "{{(len .A}}", "parenthesis"},
        Case{"string", "{{\"abc}}", "unterminated quoted string"}, Case{"raw", "{{`abc}}", "unterminated raw"},
        Case{"escape", "{{\"\\z\"}}", "bad escape"}, Case{"number", "{{12ab}}", "bad number '12ab'"},
        Case{"comment", "{{/* x }}", "unclosed comment"}, Case{"define", "{{define \"x\"}}{{end}}", "not supported"},
        Case{"arguments_of_a_literal", "{{\"a\" \"b\"}}", "no function"},
        Case{"too_deep", std::string("{{") + std::string(5000, '(') + "1}}", "nested too deeply"}),
    name_of);

TEST(Template, with_deeply_nested_blocks_is_refused) {
  std::string text;
  for (int depth = 0; depth < 5000; ++depth) text += "{{if true}}";
  EXPECT_THROW((void)Template(text), Error);
}

class Unrenderable : public ::testing::TestWithParam<Case> {};
TEST_P(Unrenderable, is_an_error_that_names_the_operand) {
  try {
    (void)render(GetParam().text);
    FAIL() << "rendered";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_status(), 1);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().expected));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Templates, Unrenderable,
    ::testing::Values(Case{"unknown_field", "{{.Foo}}",
                           "execute template at '.Foo': can't evaluate field Foo: fields are Id, Name"},
                      Case{"unknown_field_of_a_section", "{{.State.Foo}}", "'.State.Foo': can't evaluate field Foo"},
                      Case{"field_of_text", "{{.Name.x}}", "can't evaluate field x in type string"},
                      Case{"field_of_null", "{{.Nothing.x}}", "can't evaluate field x in type nil"},
                      Case{"index_out_of_range", "{{index .Args 2}}", "at 'index': index out of range: 2"},
                      Case{"index_negative", "{{index .Args -1}}", "index out of range: -1"},
                      Case{"index_of_struct", "{{index .State \"x\"}}", "can't index item of type struct"},
                      Case{"slice_out_of_range", "{{slice \"abc\" 2 9}}", "index out of range"},
                      Case{"types_compared", "{{eq .Name 1}}", "incompatible types for comparison"},
                      Case{"whole_and_real_compared", "{{lt 1 2.0}}", "incompatible types for comparison"},
                      Case{"bools_ordered", "{{lt true false}}", "invalid type for comparison"},
                      Case{"join_text", "{{join .Name \",\"}}", "expected list of strings, got string"},
                      Case{"lower_number", "{{1 | lower}}", "expected string, got int"},
                      Case{"len_number", "{{len 3}}", "len of type int"}, Case{"too_few", "{{not}}", "want 1, got 0"},
                      Case{"too_many", "{{json 1 2}}", "want 1, got 2"},
                      Case{"range_text", "{{range .Name}}{{end}}", "can't iterate over string"},
                      Case{"range_too_far", "{{range 100000000}}{{end}}", "out of range"},
                      Case{"arguments_of_a_field", "{{.Name 1}}", "takes no arguments"},
                      Case{"label_without_key", "{{.Label}}", "can't evaluate field Label"},
                      Case{"label_with_two", "{{.Label \"a\" \"b\"}}", "takes one argument"},
                      Case{"pad_too_wide", "{{pad \"x\" 1000000000 0}}", "out of range"}),
    name_of);

TEST(Template, knows_which_fields_it_mentions) {
  EXPECT_TRUE(Template("{{.Size}}").mentions("Size"));
  EXPECT_TRUE(Template("{{if .X}}{{range .Y}}{{printf \"%s\" ($.Size)}}{{end}}{{end}}").mentions("Size"));
  EXPECT_FALSE(Template("{{.State.Size}}Size{{\"Size\"}}").mentions("Size"));
}

}  // namespace
}  // namespace myct::cli
