// The shared library that exceptions.cc opens: it throws, and has thread-local memory and a constructor of its own.
#include <cstdio>
#include <stdexcept>
#include <string>

namespace {
struct Greeting {
  Greeting() { std::puts("the plugin is there"); }
  ~Greeting() { std::puts("the plugin goes"); }
} greeting;
thread_local std::string own = "fresh";
}

extern "C" void plugin(const char *word) {
  std::string before = own;
  own = word;
  throw std::runtime_error(before + " " + own);
}
