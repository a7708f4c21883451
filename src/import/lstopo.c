/* SPDX-License-Identifier: BSD-3-Clause */
/* hwloc's XML (`lstopo server.xml`) -> a server: chips, how they are joined, adapters.
 * Source: hwloc 2.9 and 3, topology-xml.c, topology-nvml.c, topology-rsmi.c (link rates in MB/s). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xml.h"
#include "import/points.h"

enum { MOST_OBJECTS = 64, NAME = 96, OPENFABRICS = 3, OPENFABRICS_BIT = 32, FIRST_BIT = 16 };

static const double byte_per_mb = 1e6, byte_per_gb = 1e9;

/* Rates between objects, as far as hwloc found any. */
typedef struct link_table {
    int n, values;                                       /* objects, values read so far */
    bool is_chip[MOST_OBJECTS], is_device[MOST_OBJECTS]; /* or else a processor's package */
    double rate[MOST_OBJECTS * MOST_OBJECTS];            /* [n,n] byte/s */
} link_table;

typedef struct topology {
    int chips, switches, adapters, packages, cores, numa;
    bool is_hwloc, is_in_chip;              /* the PCI device at hand is a chip */
    double memory, chip_link, adapter_link; /* [byte], [byte/s] */
    char model[NAME];
    link_table links;
} topology;

/* A chip of data/chips by what drivers and the PCI database call it. First match counts. */
static const char *chip_of(const char *model)
{
    static const struct {
        const char *words[2], *chip;
    } known[] = {{{"A100", "PCIe"}, "a100-pcie-40gb"},
                 {{"A100", "SXM4-40"}, "a100-sxm-40gb"},
                 {{"A100", "SXM4 40"}, "a100-sxm-40gb"},
                 {{"A100", "SXM4-80"}, "a100-sxm-80gb"},
                 {{"A100", "SXM4 80"}, "a100-sxm-80gb"},
                 {{"A800", "SXM"}, "a800-sxm"},
                 {{"GB300", ""}, "gb300"},
                 {{"GB200", ""}, "gb200"},
                 {{"GH200", ""}, "gh200-96gb"},
                 {{"B300", ""}, "b300-sxm"},
                 {{"B200", ""}, "b200-sxm"},
                 {{"H200", ""}, "h200-sxm"},
                 {{"H800", ""}, "h800-sxm"},
                 {{"H20", ""}, "h20-sxm"},
                 {{"H100", "HBM3"}, "h100-sxm"},
                 {{"H100", "SXM"}, "h100-sxm"},
                 {{"L40S", ""}, "l40s"},
                 {{"4090", ""}, "rtx-4090"},
                 {{"MI250X", ""}, "mi250x-gcd"},
                 {{"MI300X", ""}, "mi300x"},
                 {{"MI325X", ""}, "mi325x"},
                 {{"MI350X", ""}, "mi350x"},
                 {{"MI355X", ""}, "mi355x"},
                 {{"V100", "SXM"}, "v100-sxm"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcasestr(model, known[i].words[0]) && strcasestr(model, known[i].words[1]))
            return known[i].chip;
    return NULL;
}

/* A PCI device: "0302 [10de:20b0] [10de:144f] a1": class, vendor. */
static void read_pci(const muir_xml_tag *tag, topology *t)
{
    static const char *const makers[] = {"[10de:", "[1002:", "[1da3:", "[1d0f:"};
    const char *type = muir_xml_get(tag, "pci_type"), *speed = muir_xml_get(tag, "pci_link_speed");
    const double rate = speed ? byte_per_gb * strtod(speed, NULL) : 0.0;
    bool is_maker = false;
    t->is_in_chip = false;
    if (!type) return;
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++)
        is_maker |= strncmp(type + 5, makers[i], 6) == 0;
    const bool is_display = strncmp(type, "03", 2) == 0, is_accelerator = strncmp(type, "12", 2) == 0;
    if (strncmp(type, "0680 [10de:", 11) == 0) t->switches++;
    if (strncmp(type, "0207", 4) == 0 && rate > t->adapter_link) t->adapter_link = rate;
    if (!is_maker || !(is_display || is_accelerator)) return;
    t->is_in_chip = true;
    t->chips++;
    if (rate > t->chip_link) t->chip_link = rate;
}

static void read_object(const muir_xml_tag *tag, topology *t)
{
    const char *type = muir_xml_get(tag, "type"), *memory = muir_xml_get(tag, "local_memory");
    const int kind = muir_xml_int(tag, "osdev_type", -1);
    if (!type) return;
    t->packages += strcmp(type, "Package") == 0;
    t->cores += strcmp(type, "Core") == 0;
    t->numa += strcmp(type, "NUMANode") == 0;
    if (memory) t->memory += strtod(memory, NULL);
    if (strcmp(type, "PCIDev") == 0) read_pci(tag, t);
    if (strcmp(type, "OSDev") == 0)
        t->adapters += kind == OPENFABRICS || (kind >= FIRST_BIT && (kind & OPENFABRICS_BIT));
}

static void read_info(const muir_xml_tag *tag, topology *t)
{
    const char *name = muir_xml_get(tag, "name"), *value = muir_xml_get(tag, "value");
    if (!t->is_in_chip || !name || !value) return;
    if (strcmp(name, "GPUModel") == 0 || (strcmp(name, "PCIDevice") == 0 && !t->model[0]))
        snprintf(t->model, sizeof t->model, "%s", value);
}

/* Objects of a table of rates, "OSDev:12 PCIDev:7" or numbers where all are alike; then its values. */
static void read_links(const char *text, bool are_values, link_table *l)
{
    while (*text && *text != '<') {
        char *end = NULL;
        const bool is_device = strncmp(text, "PCIDev", 6) == 0, is_package = strncmp(text, "Package", 7) == 0;
        if (isalpha((unsigned char)*text)) text += strcspn(text, ":<");
        text += *text == ':';
        const double value = strtod(text, &end);
        if (end == text) return;
        if (!are_values && l->n < MOST_OBJECTS) {
            l->is_device[l->n] = is_device;
            l->is_chip[l->n++] = !is_device && !is_package;
        }
        if (are_values && l->values < l->n * l->n) l->rate[l->values++] = byte_per_mb * value;
        text = end + strspn(end, " \t\r\n");
    }
}

static void read_tags(const char *text, topology *t)
{
    muir_xml_tag tag;
    int line = 1;
    bool is_rates = false;
    while ((text = muir_xml_next(text, &line, &tag))) {
        const char *name = muir_xml_get(&tag, "name");
        if (tag.is_end) {
            if (strncmp(tag.name, "distances2", 10) == 0) is_rates = false;
            continue;
        }
        if (strcmp(tag.name, "topology") == 0) t->is_hwloc = true;
        if (strcmp(tag.name, "object") == 0) read_object(&tag, t);
        if (strcmp(tag.name, "info") == 0) read_info(&tag, t);
        if (strncmp(tag.name, "distances2", 10) == 0) {
            is_rates = name && (strcmp(name, "NVLinkBandwidth") == 0 || strcmp(name, "XGMIBandwidth") == 0);
            if (is_rates) t->links.n = t->links.values = 0;
        }
        if (is_rates && strcmp(tag.name, "indexes") == 0) read_links(text, false, &t->links);
        if (is_rates && strcmp(tag.name, "u64values") == 0) read_links(text, true, &t->links);
    }
}

/* A chip's rate over all its links, the least and the most of any chip, and how the chips are joined. */
static const char *joined(const link_table *l, double *least, double *most)
{
    bool is_mesh = true, has_switch = false;
    *least = *most = 0.0;
    for (int i = 0; i < l->n; i++) {
        double rate = 0.0;
        if (!l->is_chip[i]) continue;
        for (int k = 0; k < l->n; k++) {
            const double one = k == i ? 0.0 : l->rate[i * l->n + k];
            rate += one;
            has_switch |= l->is_device[k] && one > 0.0;
            is_mesh &= k == i || !l->is_chip[k] || one > 0.0;
        }
        *least = *most == 0.0 || rate < *least ? rate : *least;
        *most = rate > *most ? rate : *most;
    }
    return is_mesh ? "mesh" : has_switch ? "switch" : NULL;
}

static muir_status note_links(muir_ctx *ctx, const topology *t, muir_import *found)
{
    muir_status st = MUIR_OK;
    double least = 0.0, most = 0.0;
    const link_table *l = &t->links;
    const bool is_whole = l->n > 1 && l->values == l->n * l->n;
    const char *how = is_whole ? joined(l, &least, &most) : NULL;
    if (t->switches > 0) how = "switch";
    if (how)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "fleet.server.topology", how, "%s",
                                  t->switches > 0            ? "NVSwitches among the PCI devices"
                                  : strcmp(how, "mesh") == 0 ? "every chip has links to every other"
                                                             : "the chips' links end in other PCI devices"));
    else
        MUIR_TRY(muir_import_note(
            ctx, found, MUIR_NOTE_UNKNOWN, "", "", "%s",
            is_whole ? "how chips are joined: some have links, but not each to each; as the fleet says"
                     : "how chips are joined, and at what rate: hwloc was built without NVML and "
                       "RSMI, or found no links; as the fleet says"));
    if (how && most > 0.0)
        MUIR_TRY(muir_import_note_real(ctx, found, MUIR_NOTE_DERIVED, "fleet.server.port_byte_per_s", least,
                                       "sum of a chip's NVLink or XGMI rates, MB/s x 1e6"));
    if (how && least < most)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "", "",
                                  "all chips as the one with the slowest links: %.4g to %.4g GB/s",
                                  1e-9 * least, 1e-9 * most));
done:
    return st;
}

static muir_status note_adapters(muir_ctx *ctx, const topology *t, muir_import *found)
{
    if (t->adapters == 0)
        return muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "",
                                "the network: no OpenFabrics device is in it; as the fleet says");
    if (t->chips >= t->adapters) {
        const muir_status st = muir_import_note_real(
            ctx, found, MUIR_NOTE_DERIVED, "fleet.fabric.chips_per_adapter", (double)t->chips / t->adapters,
            "chips / OpenFabrics devices; some may be for storage");
        if (st != MUIR_OK) return st;
    }
    return muir_import_note(
        ctx, found, MUIR_NOTE_UNKNOWN, "", "",
        "the network's rate, which hwloc does not say: port_byte_per_s as the fleet says; %d "
        "OpenFabrics devices%s%.3g GB/s%s",
        t->adapters, t->adapter_link > 0.0 ? ", each behind at most " : " (PCI links ",
        1e-9 * t->adapter_link, t->adapter_link > 0.0 ? " of PCI Express" : " known)");
}

static muir_status note_chip(muir_ctx *ctx, const topology *t, muir_import *found)
{
    muir_status st = MUIR_OK;
    const char *chip = chip_of(t->model);
    MUIR_TRY(muir_import_note_int(ctx, found, MUIR_NOTE_TAKEN, "fleet.server.chips", t->chips,
                                  "PCI devices that are accelerators"));
    if (chip)
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_TAKEN, "fleet.chip", chip,
                                  "GPUModel or PCIDevice: %s", t->model));
    else
        MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_UNKNOWN, "", "",
                                  "the chip '%s': no file of data/chips is known for "
                                  "it; as the fleet says",
                                  t->model[0] ? t->model : "without a name"));
    if (t->chip_link > 0.0)
        MUIR_TRY(
            muir_import_note(ctx, found, MUIR_NOTE_FOUND, "", "",
                             "a chip's PCI Express link: %.4g GB/s; chip.host_byte_per_s=%.4g in a scenario",
                             1e-9 * t->chip_link, t->chip_link));
    MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_FOUND, "", "",
                              "%d processors with %d cores, %d NUMA nodes, %.4g GiB of memory", t->packages,
                              t->cores, t->numa, t->memory / 1073741824.0));
done:
    return st;
}

static muir_status read_lstopo(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    muir_status st = MUIR_OK;
    topology *t = calloc(1, sizeof *t);
    if (!t) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for a topology");
    read_tags(source->text, t);
    if (!t->is_hwloc)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                           "there is no <topology> of hwloc in it (lstopo server.xml writes one)"));
    if (t->chips == 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                           "no accelerator is among its PCI devices (run lstopo on the server, with I/O "
                           "devices: lstopo --whole-io server.xml)"));
    if (!source->fleet)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                           "what is the rest of the fleet? fleet=NAME names one that is alike"));
    MUIR_TRY(muir_points_note_base(ctx, source->fleet, found));
    MUIR_TRY(note_chip(ctx, t, found));
    MUIR_TRY(note_links(ctx, t, found));
    MUIR_TRY(note_adapters(ctx, t, found));
    MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_ASSUMED, "", "", "%s",
                              "efficiencies, latencies, power and everything else as the fleet says"));
    MUIR_TRY(muir_import_note(ctx, found, MUIR_NOTE_DERIVED, "fleet.server.source", source->path,
                              "hwloc's topology; the rest is that of %s", source->fleet));
done:
    free(t);
    return st;
}

const muir_importer muir_importer_lstopo = {
    .name = "lstopo",
    .reads = "a server's XML, written by hwloc's lstopo (with fleet=NAME)",
    .writes = "fleet",
    .form = MUIR_IMPORT_TEXT,
    .read = read_lstopo,
};
