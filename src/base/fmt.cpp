// Debian ships fmt as headers and a shared object only. The shared object would cost each start a load of
// libfmt and libstdc++ (0.5 ms measured), the header-only mode would compile the formatter into every file; so
// its implementation is compiled here once, as fmt's own format.cc does.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {
template FMT_API auto decimal_point_impl(locale_ref) -> char;
template FMT_API auto thousands_sep_impl(locale_ref) -> thousands_sep_result<char>;
}  // namespace detail
FMT_END_NAMESPACE
