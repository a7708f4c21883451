/* SPDX-License-Identifier: BSD-3-Clause */
/* Slurm's topology.conf and ibnetdiscover -> leaves, uplinks and servers of a fleet. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/points.h"

enum { LINE = 65536, MOST_LEAVES = 1 << 20, WORD = 64 };

/* What the leaves of a network look like, as far as a source says it. */
typedef struct leaves {
    long long n, servers, most,
        least;       /* leaf switches; servers below all, below the largest, below the smallest */
    double down, up; /* rates below and above leaves; up 0: not said */
    bool has_higher; /* some switch joins others */
} leaves;

static void add_leaf(leaves *l, long long servers)
{
    l->least = l->n == 0 || servers < l->least ? servers : l->least;
    l->most = servers > l->most ? servers : l->most;
    l->servers += servers;
    l->n++;
}

/* Names in a list of hosts, "node[001-032,40],login"; -1: not one. */
static long long count_hosts(const char *list)
{
    long long total = 0;
    while (*list && !isspace((unsigned char)*list)) {
        long long here = 0;
        const size_t name = strcspn(list, "[, \t\r\n");
        list += name;
        if (*list == '[') {
            for (list++; *list != ']';) {
                char *end = NULL;
                const long long first = strtoll(list, &end, 10);
                if (end == list || first < 0) return -1;
                long long last = first;
                if (*end == '-') last = strtoll(list = end + 1, &end, 10);
                if (end == list || last < first || last - first > MOST_LEAVES) return -1;
                here += last - first + 1;
                list = end + (*end == ',');
                if (*end != ',' && *end != ']') return -1;
            }
            list++;
            list += strcspn(list, ", \t\r\n");
        } else if (name > 0) {
            here = 1;
        }
        total += here;
        if (*list == ',')
            list++;
        else if (here == 0)
            return -1;
    }
    return total;
}

static const char *field(const char *line, const char *name)
{
    const char *at = strcasestr(line, name);
    return at ? at + strlen(name) : NULL;
}

static muir_status read_slurm(muir_ctx *ctx, const char *line, int number, leaves *l)
{
    const char *nodes = field(line, "Nodes=");
    if (!field(line, "SwitchName=")) return MUIR_OK;
    l->has_higher |= field(line, "Switches=") != NULL;
    if (!nodes) return MUIR_OK;
    const long long n = count_hosts(nodes);
    if (n < 1) return muir_fail(ctx, MUIR_ERR_ARG, "line %d: Nodes= is not a list of nodes", number);
    add_leaf(l, n);
    return MUIR_OK;
}

/* Data rate of a link by its name, "4xHDR" [bit/s]; 0: not known. */
static double link_rate(const char *line)
{
    static const struct {
        const char *name;
        double bit_per_s;
    } rates[] = {{"4xSDR", 8e9},    {"4xDDR", 16e9},  {"4xQDR", 32e9},  {"4xFDR10", 40e9},
                 {"4xFDR", 54.5e9}, {"4xEDR", 100e9}, {"2xHDR", 100e9}, {"4xHDR", 200e9},
                 {"4xNDR", 400e9},  {"2xNDR", 200e9}, {"4xXDR", 800e9}};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        if (strstr(line, rates[i].name)) return rates[i].bit_per_s;
    return 0.0;
}

/* A switch of ibnetdiscover: its ports to hosts and to switches. */
typedef struct ib_switch {
    char last[WORD]; /* host of the port before: a server with several ports counts once */
    long long hosts;
    double down, up;
    bool is_open;
} ib_switch;

static void close_switch(ib_switch *s, leaves *l)
{
    if (s->is_open && s->hosts > 0) {
        add_leaf(l, s->hosts);
        l->down += s->down;
        l->up += s->up;
    } else if (s->is_open && s->up > 0.0) {
        l->has_higher = true;
    }
    *s = (ib_switch){.is_open = false};
}

static void read_ib(const char *line, ib_switch *s, leaves *l)
{
    const char *peer = strchr(line, '"'), *comment = strstr(line, "# \"");
    char host[WORD] = "";
    if (strncmp(line, "Switch", 6) == 0 || strncmp(line, "Ca", 2) == 0 || strncmp(line, "Rt", 2) == 0) {
        close_switch(s, l);
        s->is_open = line[0] == 'S';
    }
    if (line[0] != '[' || !s->is_open || !peer) return;
    const double rate = link_rate(line);
    if (strncmp(peer, "\"S-", 3) == 0) s->up += rate;
    if (strncmp(peer, "\"H-", 3) != 0) return;
    s->down += rate;
    if (comment)
        snprintf(host, sizeof host, "%.*s",
                 (int)(strcspn(comment + 3, " \"") < 63 ? strcspn(comment + 3, " \"") : 63), comment + 3);
    if (!host[0] || strcmp(host, s->last) != 0) s->hosts++;
    snprintf(s->last, sizeof s->last, "%s", host);
}

static muir_status note_leaves(muir_ctx *ctx, const muir_import_source *source, const leaves *l,
                               muir_import *found)
{
    muir_status st = MUIR_OK;
    if (l->n == 0) return muir_fail(ctx, MUIR_ERR_ARG, "it contains no switch with servers below it");
    if (!source->fleet)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "which servers are they? fleet=NAME names a fleet with their kind");
    MUIR_TRY(muir_points_note_base(ctx, source->fleet, found));
    MUIR_TRY(muir_import_note_int(ctx, found, MUIR_NOTE_DERIVED, "fleet.servers", l->servers,
                                  "servers below all leaves"));
    MUIR_TRY(muir_import_note_int(ctx, found, MUIR_NOTE_DERIVED, "fleet.fabric.leaf_servers", l->most,
                                  "servers below a leaf switch"));
    if (l->least != l->most)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "", "",
                                  "all %lld leaves as the largest: they have %lld to %lld servers", l->n,
                                  l->least, l->most));
    if (l->up > 0.0 && l->down > 0.0)
        MUIR_TRY(muir_import_note_real(ctx, found, MUIR_NOTE_DERIVED, "fleet.fabric.oversubscription",
                                       fmax(1.0, round(1000.0 * l->down / l->up) / 1000.0),
                                       "rates below the leaves / rates of their uplinks"));
    else if (l->has_higher)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "",
                                  "the rate of uplinks: oversubscription as the fleet says"));
    MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "fleet.source", source->path,
                              "where the leaves are described; the others are those of %s", source->fleet));
done:
    return st;
}

static muir_status read_fabric(muir_ctx *ctx, const muir_import_source *source, bool is_slurm,
                               muir_import *found)
{
    muir_status st = MUIR_OK;
    leaves l = {.n = 0};
    ib_switch s = {.is_open = false};
    char *line = malloc(LINE);
    int number = 0;
    if (!line) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a line");
    for (const char *at = source->text; *at;) {
        const size_t length = strcspn(at, "\n"), n = length < LINE - 1 ? length : LINE - 1;
        memcpy(line, at, n);
        line[n] = '\0';
        at += length + (at[length] != '\0');
        number++;
        if (is_slurm && line[strspn(line, " \t")] != '#')
            MUIR_TRY(read_slurm(ctx, line, number, &l));
        else if (!is_slurm)
            read_ib(line, &s, &l);
    }
    close_switch(&s, &l);
    MUIR_TRY(note_leaves(ctx, source, &l, found));
done:
    free(line);
    return st;
}

static muir_status read_topology(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    return read_fabric(ctx, source, true, found);
}

static muir_status read_ibnetdiscover(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    return read_fabric(ctx, source, false, found);
}

const muir_importer muir_importer_slurm = {
    .name = "slurm",
    .reads = "Slurm's topology.conf (with fleet=NAME)",
    .writes = "fleet",
    .form = MUIR_IMPORT_TEXT,
    .read = read_topology,
};

const muir_importer muir_importer_ibnet = {
    .name = "ibnet",
    .reads = "output of ibnetdiscover (with fleet=NAME)",
    .writes = "fleet",
    .form = MUIR_IMPORT_TEXT,
    .read = read_ibnetdiscover,
};
