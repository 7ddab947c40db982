// C++ at its most demanding of the dynamic linker: an IFUNC, a plugin by dlopen, thread-local objects with destructors
// in several threads, exceptions thrown across a library, static objects, and a terminate handler.
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <typeinfo>

static int chosen() { return 6 * 7; }
extern "C" int (*resolve())() { return chosen; }
extern "C" int answer() __attribute__((ifunc("resolve")));

struct Named {
  std::string name;
  explicit Named(const char *text) : name(text) {}
  ~Named() { std::printf("%s ends\n", name.c_str()); }
};
static Named whole("the program");
static thread_local Named own("a thread");

static void call(void (*plugin)(const char *), const char *word) {
  Named frame("a frame");
  own.name += word;
  plugin(word);
}

static void attempt(void (*plugin)(const char *), const char *word) {
  try {
    call(plugin, word);
  } catch (const std::exception &error) {
    std::printf("%s: %s\n", typeid(error).name(), error.what());
  }
}

int main() {
  std::printf("%d\n", answer());
  void *library = dlopen("./plugin.so", RTLD_NOW);
  auto plugin = library ? reinterpret_cast<void (*)(const char *)>(dlsym(library, "plugin")) : nullptr;
  if (!plugin) return std::puts(dlerror()), 1;
  attempt(plugin, " one");
  std::thread(attempt, plugin, " two").join();
  attempt(plugin, " three");
  std::set_terminate([] { std::puts("terminated"); std::exit(4); });
  throw 7;
}
