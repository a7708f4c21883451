/* SPDX-License-Identifier: BSD-3-Clause */
/* Broadcast and all-reduce on two binary trees, each with half of the vector; a rank that has children in one
 * tree is a leaf of the other (but for one rank of an odd number), so that all links are used.
 *
 * Each half goes in PIECES pieces, one after the other. Everything has its time: in the same round, all ranks
 * send the next piece over every link that is in use. */
#include "collectives/steps.h"

enum { PIECES = 8, TREES = 2, MAX_CHILDREN = 2 };

/* Place of one rank in one tree of n nodes. */
typedef struct node {
    int depth; /* of the root: 0 */
    int parent;
    int children[MAX_CHILDREN];
    int n_children;
} node;

/* Node 0 is the root. The others hang below it as in the order of their numbers: the lowest bit is the
 * height, and where the parent of that height is missing, the next one up stands in. */
static int parent_of(int n, int v)
{
    const int bit = v & -v, up = (v ^ bit) | (bit << 1);
    return v == 0 ? -1 : up < n ? up : v ^ bit;
}

/* The second tree is the first one mirrored, or for odd n shifted by one: odd nodes are leaves of the
 * first, even ones of the second. */
static int relabelled(int n, int tree, int v, bool is_inverse)
{
    if (tree == 0) return v;
    if (n % 2 == 0) return n - 1 - v;
    return (v + (is_inverse ? 1 : n - 1)) % n;
}

static int depth_of(int n, int label)
{
    int depth = 0;
    for (int v = label; v > 0; v = parent_of(n, v)) depth++;
    return depth;
}

static node node_of(int n, int tree, int v)
{
    const int label = relabelled(n, tree, v, false);
    node x = {.depth = depth_of(n, label), .parent = parent_of(n, label)};
    if (x.parent >= 0) x.parent = relabelled(n, tree, x.parent, true);
    for (int child = 1; child < n; child++)
        if (parent_of(n, child) == label) x.children[x.n_children++] = relabelled(n, tree, child, true);
    return x;
}

/* Piece k of a tree's half; of no length before the first and behind the last. */
static muir_coll_part piece_of(const muir_coll_steps *steps, int tree, int k)
{
    muir_coll_part half, piece = {0, 0};
    if (k < 0 || k >= PIECES) return piece;
    muir_coll_block(steps->count, TREES, tree, &half.offset, &half.n);
    muir_coll_block(half.n, PIECES, k, &piece.offset, &piece.n);
    piece.offset += half.offset;
    return piece;
}

static muir_coll_place in(muir_coll_buffer buffer, muir_coll_part part)
{
    return (muir_coll_place){buffer, part.offset};
}

/* Piece k comes from the parent, and piece k - 1 goes on to the children. ranks[0] is who tells, then
 * come the children. */
static void list_down(muir_coll_steps *steps, const node *x, const int *ranks, int tree, int k)
{
    const muir_coll_part coming = piece_of(steps, tree, k), going = piece_of(steps, tree, k - 1);
    if (x->parent >= 0)
        muir_coll_steps_add_to_round(
            steps, &(muir_coll_step){.recv = {ranks[0], in(MUIR_COLL_OUTPUT, coming), coming.n}});
    for (int c = 0; c < x->n_children; c++)
        muir_coll_steps_add_to_round(
            steps, &(muir_coll_step){.send = {ranks[1 + c], in(MUIR_COLL_OUTPUT, going), going.n}});
}

/* Piece k comes from the children, and piece k - 1, summed, goes on to the parent. */
static void list_up(muir_coll_steps *steps, const node *x, int tree, int k)
{
    const muir_coll_part coming = piece_of(steps, tree, k), going = piece_of(steps, tree, k - 1);
    const size_t longest = piece_of(steps, 0, 0).n;
    muir_coll_buffer mine = MUIR_COLL_INPUT;
    if (x->parent >= 0)
        muir_coll_steps_add_to_round(
            steps, &(muir_coll_step){
                       .send = {x->parent, in(x->n_children > 0 ? MUIR_COLL_OUTPUT : MUIR_COLL_INPUT, going),
                                going.n}});
    for (int c = 0; c < x->n_children; c++) {
        const muir_coll_place landing = {MUIR_COLL_SCRATCH, (size_t)(tree * MAX_CHILDREN + c) * longest};
        muir_coll_steps_add_to_round(
            steps, &(muir_coll_step){.recv = {x->children[c], landing, coming.n},
                                     .local = muir_coll_reduction(in(MUIR_COLL_OUTPUT, coming),
                                                                  in(mine, coming), landing, coming.n)});
        mine = MUIR_COLL_OUTPUT;
    }
}

/* The height is ceil(log2 p). A node at depth d sends piece k up at time k + height - d, so the root has
 * it summed at time k + height, and hears of it from above at time k + height + d - 1. Of two messages
 * from one rank to another at the same time, both put the first tree's first, and the one that goes up. */
static void list_all_reduce(muir_coll_steps *steps)
{
    const int p = steps->p, height = muir_coll_log2(p);
    node nodes[TREES];
    if (p == 1)
        muir_coll_steps_add_copy(steps, (muir_coll_place){MUIR_COLL_OUTPUT, 0},
                                 (muir_coll_place){MUIR_COLL_INPUT, 0}, steps->count);
    for (int tree = 0; tree < TREES; tree++) nodes[tree] = node_of(p, tree, steps->rank);
    for (int time = 0; time < PIECES - 1 + 2 * height; time++) {
        muir_coll_steps_add(steps, &(muir_coll_step){.local = {.count = 0}}); /* a new round */
        for (int tree = 0; tree < TREES; tree++) {
            const node *x = &nodes[tree];
            const int ranks[] = {x->parent, x->children[0], x->children[1]};
            list_up(steps, x, tree, time - height + x->depth + 1);
            list_down(steps, x, ranks, tree, time - height - x->depth + 1);
        }
    }
}

/* The trees are those of the other ranks, counted from the root, which feeds the roots of both. */
static void list_broadcast(muir_coll_steps *steps)
{
    const int p = steps->p, n = p - 1, v = (steps->rank + p - steps->root) % p;
    const muir_coll_place output = {MUIR_COLL_OUTPUT, 0}, input = {MUIR_COLL_INPUT, 0};
    for (int time = 0; time < PIECES + muir_coll_log2(n) && n > 0; time++) {
        muir_coll_steps_add(steps, &(muir_coll_step){.local = {.count = 0}}); /* a new round */
        for (int tree = 0; tree < TREES; tree++) {
            if (v == 0) {
                const muir_coll_part going = piece_of(steps, tree, time);
                const int first = (relabelled(n, tree, 0, true) + 1 + steps->root) % p;
                muir_coll_steps_add_to_round(
                    steps, &(muir_coll_step){.send = {first, in(MUIR_COLL_INPUT, going), going.n}});
                continue;
            }
            node x = node_of(n, tree, v - 1);
            const int ranks[] = {(x.parent + 1 + steps->root) % p, (x.children[0] + 1 + steps->root) % p,
                                 (x.children[1] + 1 + steps->root) % p};
            if (x.parent < 0) x.parent = 0; /* the root of the tree hears from the root of all, rank[0] */
            list_down(steps, &x, ranks, tree, time - x.depth);
        }
    }
    if (v == 0) muir_coll_steps_add_copy(steps, output, input, steps->count); /* last: nobody waits for it */
}

/* t = (PIECES - 1 + 2 ceil(log2 p)) alpha + 2 bytes / beta, for few ranks less: an inner node of one tree
 * sends to 2 children and a parent, and to a parent in the other tree. */
static void traffic_of_all_reduce(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = p > 1 ? PIECES - 1 + 2 * muir_coll_log2(p) : 0;
    *bytes_sent = p > 1 ? bytes * (p < 4 ? p : 4) / TREES : 0.0;
}

/* t = (PIECES + ceil(log2 (p - 1))) alpha + bytes / beta: the root sends each half once, the others at most
 * twice one half. */
static void traffic_of_broadcast(int p, double bytes, double *rounds, double *bytes_sent)
{
    *rounds = p > 1 ? PIECES + muir_coll_log2(p - 1) : 0;
    *bytes_sent = p > 1 ? bytes : 0.0;
}

#define SOURCE "Sanders, Speck and Traeff, Two-tree algorithms, Parallel Comput. 35(12), 2009"

const muir_coll muir_coll_all_reduce_double_binary_tree = {
    .name = "double_binary_tree",
    .kind = MUIR_ALL_REDUCE,
    .traffic = traffic_of_all_reduce,
    .steps = list_all_reduce,
    .source = SOURCE,
};

const muir_coll muir_coll_broadcast_double_binary_tree = {
    .name = "double_binary_tree",
    .kind = MUIR_BROADCAST,
    .traffic = traffic_of_broadcast,
    .steps = list_broadcast,
    .source = SOURCE,
};
