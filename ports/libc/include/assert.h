// ISO C 7.2. Deliberately without an include guard, as the standard wants it.
#include "lib/tess/panic.h"

#undef assert
#ifdef NDEBUG
#define assert(expression) ((void)0)
#else
#define assert(expression) ((expression) ? (void)0 : tess_panic("%s:%d: not true: %s", __FILE_NAME__, __LINE__, #expression))
#endif
