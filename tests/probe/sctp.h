#pragma once

/* Sends back what comes to the port by SCTP and IPv6, on one connection after the other. Prints "ready" first. */
int sctp_echo(int port);
/* Says a word to a port of an IPv6 address, and prints the answer. */
int sctp_ask(const char* address, int port);
