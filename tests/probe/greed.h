// See the top of probe.c.
#pragma once

int allocate(void);
int fill(unsigned mebibytes);
int fork_bomb(void);
int fork_until_refused(void);
int open_disk(unsigned major_number, unsigned minor_number);
int print_affinity(void);
int read_blocks(const char* path, unsigned count);
int read_through(const char* path, unsigned mebibytes);
int spin(void);
int write_blocks(const char* path, unsigned count);
int write_through(const char* path, unsigned mebibytes);
