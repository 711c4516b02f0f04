# Read by ctest after the tests of a directory: on a slow machine they may take longer, see integration/support/pace.hpp.
if("$ENV{MYCT_TEST_TIME_FACTOR}" MATCHES "^[1-9][0-9]*$")
  math(EXPR time_limit "120 * $ENV{MYCT_TEST_TIME_FACTOR}")
  get_cmake_property(variables VARIABLES)
  # gtest_discover_tests() names its list so.
  list(FILTER variables INCLUDE REGEX "_tests_TESTS$")
  foreach(variable IN LISTS variables)
    set_tests_properties(${${variable}} PROPERTIES TIMEOUT ${time_limit})
  endforeach()
endif()
