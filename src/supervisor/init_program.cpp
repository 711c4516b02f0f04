#include "myct/supervisor/init_program.hpp"

// The assembler includes the file; a generated array of numbers would take the compiler seconds.
asm(R"(
  .pushsection .rodata
  .global myct_init_program_begin
  .global myct_init_program_end
myct_init_program_begin:
  .incbin ")" MYCT_INIT_PROGRAM R"("
myct_init_program_end:
  .popsection
)");

extern "C" {
extern const char myct_init_program_begin[];
extern const char myct_init_program_end[];
}

namespace myct::supervisor {

std::string_view init_program() noexcept { return {myct_init_program_begin, myct_init_program_end}; }

}  // namespace myct::supervisor
