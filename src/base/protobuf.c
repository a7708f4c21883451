/* SPDX-License-Identifier: BSD-3-Clause */
/* Fields of protocol buffers, written and read. */
#include "base/protobuf.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 256, BITS = 7, MOST_BITS = 64, TYPE_BITS = 3 };

static void append(muir_pb *pb, const void *data, size_t n)
{
    if (pb->is_out_of_memory || n == 0) return;
    if (pb->n + n > pb->room) {
        size_t room = pb->room ? pb->room : FIRST_ROOM;
        while (room < pb->n + n) room *= 2;
        uint8_t *more = realloc(pb->data, room);
        if (!more) {
            pb->is_out_of_memory = true;
            return;
        }
        pb->data = more;
        pb->room = room;
    }
    memcpy(pb->data + pb->n, data, n);
    pb->n += n;
}

void muir_pb_put_varint(muir_pb *pb, uint64_t value)
{
    uint8_t bytes[MOST_BITS / BITS + 1];
    size_t n = 0;
    do {
        bytes[n++] = (uint8_t)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        value >>= BITS;
    } while (value);
    append(pb, bytes, n);
}

static void put_tag(muir_pb *pb, int field, muir_pb_type type)
{
    muir_pb_put_varint(pb, (uint64_t)field << TYPE_BITS | (uint64_t)type);
}

void muir_pb_put_int(muir_pb *pb, int field, uint64_t value)
{
    put_tag(pb, field, MUIR_PB_VARINT);
    muir_pb_put_varint(pb, value);
}

void muir_pb_put_fixed(muir_pb *pb, int field, uint64_t value)
{
    uint8_t bytes[sizeof value];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(value >> (8 * i)); /* lowest byte first */
    put_tag(pb, field, MUIR_PB_64);
    append(pb, bytes, sizeof bytes);
}

void muir_pb_put_double(muir_pb *pb, int field, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    muir_pb_put_fixed(pb, field, bits);
}

static void put_bytes(muir_pb *pb, int field, const void *data, size_t n)
{
    put_tag(pb, field, MUIR_PB_BYTES);
    muir_pb_put_varint(pb, n);
    append(pb, data, n);
}

void muir_pb_put_text(muir_pb *pb, int field, const char *text)
{
    put_bytes(pb, field, text, strlen(text));
}

void muir_pb_put_message(muir_pb *pb, int field, const muir_pb *message)
{
    pb->is_out_of_memory |= message->is_out_of_memory;
    put_bytes(pb, field, message->data, message->n);
}

void muir_pb_put_raw(muir_pb *pb, const muir_pb *message)
{
    pb->is_out_of_memory |= message->is_out_of_memory;
    append(pb, message->data, message->n);
}

void muir_pb_free(muir_pb *pb)
{
    free(pb->data);
    *pb = (muir_pb){.data = NULL};
}

bool muir_pb_varint(muir_pb_reader *reader, uint64_t *value)
{
    uint64_t sum = 0;
    if (reader->at == reader->end) return false;
    for (int shift = 0; shift < MOST_BITS && reader->at < reader->end; shift += BITS) {
        const uint8_t byte = *reader->at++;
        sum |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) {
            *value = sum;
            return true;
        }
    }
    reader->is_damaged = true;
    return false;
}

/* A number of n bytes, lowest first. */
static bool read_fixed(muir_pb_reader *reader, size_t n, uint64_t *value)
{
    *value = 0;
    if ((size_t)(reader->end - reader->at) < n) return false;
    for (size_t i = 0; i < n; i++) *value |= (uint64_t)reader->at[i] << (8 * i);
    reader->at += n;
    return true;
}

bool muir_pb_next(muir_pb_reader *reader, muir_pb_field *field)
{
    uint64_t tag = 0;
    bool is_read = false;
    if (reader->is_damaged || !muir_pb_varint(reader, &tag)) return false;
    *field = (muir_pb_field){.number = (int)(tag >> TYPE_BITS & 0x1FFFFFFF), .type = (muir_pb_type)(tag & 7)};
    switch (field->type) {
    case MUIR_PB_VARINT: is_read = muir_pb_varint(reader, &field->value); break;
    case MUIR_PB_64: is_read = read_fixed(reader, 8, &field->value); break;
    case MUIR_PB_32: is_read = read_fixed(reader, 4, &field->value); break;
    case MUIR_PB_BYTES:
        is_read =
            muir_pb_varint(reader, &field->value) && field->value <= (uint64_t)(reader->end - reader->at);
        if (!is_read) break;
        field->data = reader->at;
        field->n = (size_t)field->value;
        reader->at += field->n;
        break;
    default: break;
    }
    reader->is_damaged |= !is_read;
    return is_read;
}

muir_pb_reader muir_pb_inside(const muir_pb_field *field)
{
    return (muir_pb_reader){.at = field->data, .end = field->data + field->n};
}

double muir_pb_double(const muir_pb_field *field)
{
    double value = 0.0;
    memcpy(&value, &field->value, sizeof value);
    return value;
}
