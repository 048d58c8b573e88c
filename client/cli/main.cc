#include "client/cli/app.h"

int main(int argc, char** argv) { return tweedie::cli::Main(argc, argv); }
