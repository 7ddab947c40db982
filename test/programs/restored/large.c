/* Much memory that is written once, and looked at when the end is near: what nobody has touched in between must be there. */
#include "said.h"

#define SIZE (16UL << 20)

int main(void) {
  prepare();
  unsigned char *memory = malloc(SIZE);
  CHECK(memory != NULL);
  for (size_t at = 0; at < SIZE; at++) memory[at] = (unsigned char)(at * 31 >> 3);
  ready();
  for (size_t at = 0; at < SIZE; at++) CHECK(memory[at] == (unsigned char)(at * 31 >> 3));
  return done();
}
