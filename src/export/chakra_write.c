/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of Chakra's format: a length, then the message, one after the other. */
#include <math.h>
#include <stdio.h>

#include "export/chakra.h"

/* Field numbers of et_def.proto. */
enum {
    NODE_ID = 1,
    NODE_NAME = 2,
    NODE_TYPE = 3,
    NODE_DATA_WAITS = 5,
    NODE_START = 6,
    NODE_TIME = 7,
    NODE_ATTRIBUTE = 10
};
enum { META_VERSION = 1, META_ATTRIBUTE = 2 };
enum {
    ATTRIBUTE_NAME = 1,
    DOUBLE_VALUE = 3,
    INT32_VALUE = 7,
    INT64_VALUE = 9,
    UINT64_VALUE = 13,
    BOOL_VALUE = 27,
    TEXT_VALUE = 29
};

static const double us_per_s = 1e6;

static void put_number(muir_pb *to, int field, const char *name, int kind, uint64_t value)
{
    muir_pb attribute = {.data = NULL};
    muir_pb_put_text(&attribute, ATTRIBUTE_NAME, name);
    muir_pb_put_int(&attribute, kind, value);
    muir_pb_put_message(to, field, &attribute);
    muir_pb_free(&attribute);
}

static void put_text(muir_pb *to, int field, const char *name, const char *text)
{
    muir_pb attribute = {.data = NULL};
    muir_pb_put_text(&attribute, ATTRIBUTE_NAME, name);
    muir_pb_put_text(&attribute, TEXT_VALUE, text);
    muir_pb_put_message(to, field, &attribute);
    muir_pb_free(&attribute);
}

static void put_double(muir_pb *to, int field, const char *name, double value)
{
    muir_pb attribute = {.data = NULL};
    muir_pb_put_text(&attribute, ATTRIBUTE_NAME, name);
    muir_pb_put_double(&attribute, DOUBLE_VALUE, value);
    muir_pb_put_message(to, field, &attribute);
    muir_pb_free(&attribute);
}

static muir_status append(muir_ctx *ctx, muir_pb *file, const muir_pb *message)
{
    muir_pb_put_varint(file, message->n);
    muir_pb_put_raw(file, message);
    return file->is_out_of_memory || message->is_out_of_memory
               ? muir_fail(ctx, MUIR_ERR_MEM, "no memory for a trace")
               : MUIR_OK;
}

muir_status muir_chakra_begin(muir_ctx *ctx, muir_pb *file, const char *source, int64_t chip)
{
    muir_pb message = {.data = NULL};
    muir_pb_put_text(&message, META_VERSION, "0.0.4");
    put_text(&message, META_ATTRIBUTE, "program", "muir " MUIR_VERSION);
    put_text(&message, META_ATTRIBUTE, "source", source);
    put_text(&message, META_ATTRIBUTE, "provenance", "modelled");
    put_number(&message, META_ATTRIBUTE, "chip", INT64_VALUE, (uint64_t)chip);
    const muir_status st = append(ctx, file, &message);
    muir_pb_free(&message);
    return st;
}

static void put_work(muir_pb *message, const muir_chakra_node *node)
{
    char group[24];
    const int64_t bytes = (int64_t)llround(node->bytes);
    put_number(message, NODE_ATTRIBUTE, "is_cpu_op", BOOL_VALUE, 0);
    put_double(message, NODE_ATTRIBUTE, "duration_s", node->time_s);
    switch (node->type) {
    case MUIR_CHAKRA_COMPUTE:
        put_number(message, NODE_ATTRIBUTE, "num_ops", INT64_VALUE, (uint64_t)llround(node->flop));
        put_number(message, NODE_ATTRIBUTE, "tensor_size", UINT64_VALUE, (uint64_t)bytes);
        break;
    case MUIR_CHAKRA_COLLECTIVE:
        snprintf(group, sizeof group, "%d", node->group);
        put_number(message, NODE_ATTRIBUTE, "comm_type", INT64_VALUE, (uint64_t)node->comm_type);
        put_number(message, NODE_ATTRIBUTE, "comm_size", INT64_VALUE, (uint64_t)bytes);
        put_text(message, NODE_ATTRIBUTE, "pg_name", group);
        put_text(message, NODE_ATTRIBUTE, "pg_desc", node->axis);
        put_number(message, NODE_ATTRIBUTE, "group_size", INT64_VALUE, (uint64_t)node->members);
        put_number(message, NODE_ATTRIBUTE, "group_stride", INT64_VALUE, (uint64_t)node->stride);
        break;
    case MUIR_CHAKRA_SEND:
    case MUIR_CHAKRA_RECEIVE:
        put_number(message, NODE_ATTRIBUTE, "comm_size", INT64_VALUE, (uint64_t)bytes);
        put_number(message, NODE_ATTRIBUTE, "comm_src", INT32_VALUE, (uint64_t)node->from);
        put_number(message, NODE_ATTRIBUTE, "comm_dst", INT32_VALUE, (uint64_t)node->to);
        put_number(message, NODE_ATTRIBUTE, "comm_tag", INT32_VALUE, (uint64_t)node->tag);
        break;
    }
}

muir_status muir_chakra_put(muir_ctx *ctx, muir_pb *file, uint64_t id, const muir_chakra_node *node)
{
    muir_pb message = {.data = NULL};
    const double start_us = floor(us_per_s * node->start_s),
                 end_us = floor(us_per_s * (node->start_s + node->time_s));
    muir_pb_put_int(&message, NODE_ID, id);
    muir_pb_put_text(&message, NODE_NAME, node->name);
    muir_pb_put_int(&message, NODE_TYPE, (uint64_t)node->type);
    for (int i = 0; i < node->n_waits; i++) muir_pb_put_int(&message, NODE_DATA_WAITS, node->waits[i]);
    muir_pb_put_int(&message, NODE_START, (uint64_t)start_us);
    muir_pb_put_int(&message, NODE_TIME, (uint64_t)(end_us - start_us)); /* whole microseconds that add up */
    put_work(&message, node);
    const muir_status st = append(ctx, file, &message);
    muir_pb_free(&message);
    return st;
}
