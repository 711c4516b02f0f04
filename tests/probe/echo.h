#pragma once

/* Sends back what comes to the port, on each connection until its end, and each datagram. Prints "ready" first. */
int echo(int port);
