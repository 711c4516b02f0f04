# myct_part(<name> SOURCES <file>... [LINKS <target>...] [PRIVATE <target>...])
#
# One library per part of the house. LINKS are the parts below it, which is what makes the compiler enforce the
# include rule of docs/architecture.md: a part's public headers are reachable only through its target.
function(myct_part name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE" ${ARGN})
  add_library(myct_${name} STATIC ${ARG_SOURCES})
  target_include_directories(
    myct_${name}
    PUBLIC ${CMAKE_BINARY_DIR}/include/${name}
    PRIVATE ${CMAKE_SOURCE_DIR}/src/${name})
  # Each part sees <build>/include/<part>/myct/<part>, a link to its own folder in include/, and those of the
  # parts it links: including any other fails to compile.
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include/${name}/myct)
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/include/myct/${name} ${CMAKE_BINARY_DIR}/include/${name}/myct/${name} SYMBOLIC)
  target_link_libraries(
    myct_${name}
    PUBLIC ${ARG_LINKS}
    PRIVATE myct_options ${ARG_PRIVATE})
endfunction()
