/* SPDX-License-Identifier: BSD-3-Clause */
/* Uses the installed library from outside. */
#include <base/rng.h>
#include <collectives/coll.h>
#include <models/program.h>

int main(void)
{
    return muir_rng_at(1, MUIR_STREAM_CHIP, 0, 0) == 0 || muir_coll_count() == 0 || muir_family_count() == 0;
}
