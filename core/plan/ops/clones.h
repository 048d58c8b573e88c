#ifndef TWEEDIE_CORE_PLAN_OPS_CLONES_H_
#define TWEEDIE_CORE_PLAN_OPS_CLONES_H_

// For functions with clones for several instruction sets, of which the machine chooses. They must
// not be called by what is inlined into them, and are called through the dynamic linker once
// resolved.
#ifdef __SANITIZE_THREAD__  // a clone is chosen before ThreadSanitizer can be called
#define TWEEDIE_CLONES
#else
#define TWEEDIE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#define TWEEDIE_INLINE inline __attribute__((always_inline))

#endif  // TWEEDIE_CORE_PLAN_OPS_CLONES_H_
