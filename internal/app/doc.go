// Package app wires the parts into the program: it reads the settings, connects to Redis, and carries out each command.
// Commands are parsed in cmd/simshift; everything that a command does is here, one file a command.
package app
