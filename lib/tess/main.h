// What a program defines. The start code calls it; what it returns is the process's exit code.
#pragma once

int main(int argc, char **argv);
