/* SPDX-License-Identifier: BSD-3-Clause */
/* Instruction sets chosen at run time: one plain C loop, compiled once per level, picked by the loader.
 * The clones compute the same bits: no contraction (-ffp-contract=off) and no reordering (no -ffast-math). */
#ifndef MUIR_BASE_SIMD_H
#define MUIR_BASE_SIMD_H

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) &&             \
    !defined(__SANITIZE_ADDRESS__)
#define MUIR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MUIR_CLONES
#endif

/* Bytes to which vectors are aligned: one cache line, one AVX-512 register. */
enum { MUIR_ALIGN = 64 };

#endif
