// See the top of probe.c.
#pragma once

int allocate(void);
int fork_until_refused(void);
int open_disk(unsigned major_number, unsigned minor_number);
int print_affinity(void);
int spin(void);
int write_through(const char* path, unsigned mebibytes);
