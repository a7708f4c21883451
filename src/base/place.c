/* SPDX-License-Identifier: BSD-3-Clause */
/* Placement of chunks on stages. */
#include "base/place.h"

#include <stdbool.h>

int muir_place_copies(muir_place place)
{
    return place == MUIR_PLACE_MIRROR ? 2 : 1;
}

static bool is_way_back(muir_place place, int round)
{
    return place != MUIR_PLACE_ROUND && round % 2 == 1;
}

int muir_place_chunk(muir_place place, int stages, int stage, int i)
{
    const int within = is_way_back(place, i) ? stages - 1 - stage : stage;
    return place == MUIR_PLACE_MIRROR ? within : i * stages + within;
}

int muir_place_stage(muir_place place, int stages, int chunk, int copy)
{
    const int round = place == MUIR_PLACE_MIRROR ? copy : chunk / stages;
    return is_way_back(place, round) ? stages - 1 - chunk % stages : chunk % stages;
}
