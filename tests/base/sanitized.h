/* sanitized.h - whether this build has a sanitizer, for tests whose repetitions serve figures and not the finding of
 * faults: SANITIZED is 1 then, and they repeat less often. */
#ifndef MEWL_TESTS_BASE_SANITIZED_H
#define MEWL_TESTS_BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#endif
