# Debian's packages. What `run` needs is linked statically where Debian ships the archive: each shared object
# costs a start 0.1 to 0.5 ms.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)

# myct_static_library(<target> <archive>...): an imported target for static archives, in link order.
function(myct_static_library target)
  add_library(${target} INTERFACE)
  foreach(archive IN LISTS ARGN)
    find_library(${archive}_ARCHIVE NAMES lib${archive}.a REQUIRED)
    target_link_libraries(${target} INTERFACE ${${archive}_ARCHIVE})
  endforeach()
endfunction()

# libarchive with the tar reader and four filters; its other formats' libraries (libxml2, lz4) are not pulled in,
# because only the reader's own objects are taken from the archive.
myct_static_library(myct_libarchive archive lzma bz2 zstd z acl attr nettle)
myct_static_library(myct_libseccomp seccomp)
myct_static_library(myct_nettle nettle)
