/* SPDX-License-Identifier: BSD-3-Clause */
/* A binary heap with places, so that any item's time can be changed. */
#include "reliability/heap.h"

#include <stdlib.h>

#include "base/mem.h"

struct muir_heap {
    int64_t *time_ns; /* [n]: of each item */
    int32_t *item;    /* [n]: heap order, earliest first */
    int32_t *place;   /* [n]: of each item in `item` */
    int32_t n;
};

muir_status muir_heap_create(muir_ctx *ctx, int32_t n, muir_heap **out)
{
    muir_status st = MUIR_OK;
    muir_heap *h = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *h, "events", &h));
    h->n = n;
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *h->time_ns, "events", &h->time_ns));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *h->item, "events", &h->item));
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *h->place, "events", &h->place));
    for (int32_t i = 0; i < n; i++) h->item[i] = h->place[i] = i;
    *out = h;
    h = NULL;
done:
    muir_heap_destroy(&h);
    return st;
}

void muir_heap_destroy(muir_heap **heap)
{
    if (!*heap) return;
    free((*heap)->time_ns);
    free((*heap)->item);
    free((*heap)->place);
    free(*heap);
    *heap = NULL;
}

static bool is_before(const muir_heap *h, int32_t a, int32_t b)
{
    return h->time_ns[a] < h->time_ns[b] || (h->time_ns[a] == h->time_ns[b] && a < b);
}

static void put(muir_heap *h, int32_t place, int32_t item)
{
    h->item[place] = item;
    h->place[item] = place;
}

static void sift_up(muir_heap *h, int32_t place)
{
    const int32_t item = h->item[place];
    while (place > 0 && is_before(h, item, h->item[(place - 1) / 2])) {
        put(h, place, h->item[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(h, place, item);
}

static void sift_down(muir_heap *h, int32_t place)
{
    const int32_t item = h->item[place];
    for (int32_t child = 2 * place + 1; child < h->n; child = 2 * place + 1) {
        if (child + 1 < h->n && is_before(h, h->item[child + 1], h->item[child])) child++;
        if (!is_before(h, h->item[child], item)) break;
        put(h, place, h->item[child]);
        place = child;
    }
    put(h, place, item);
}

int32_t muir_heap_first(const muir_heap *h)
{
    return h->item[0];
}

int64_t muir_heap_time_ns(const muir_heap *h, int32_t item)
{
    return h->time_ns[item];
}

void muir_heap_set(muir_heap *h, int32_t item, int64_t time_ns)
{
    const bool is_earlier = time_ns < h->time_ns[item];
    h->time_ns[item] = time_ns;
    if (is_earlier)
        sift_up(h, h->place[item]);
    else
        sift_down(h, h->place[item]);
}
