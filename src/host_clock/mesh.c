/* SPDX-License-Identifier: BSD-3-Clause */
/* Communicators of the rank mesh. */
#include "host_clock/mesh.h"

#include <stdlib.h>

#include "base/mem.h"

/* Ranks with the same place on all other axes, in the order of their place on this one. */
static int colour_of(const muir_fold *fold, int axis)
{
    int colour = 0, stride = 1;
    if (fold->place[axis] < 0) return MPI_UNDEFINED;
    for (int a = 0; a < MUIR_MESH_AXES; a++) {
        if (a == axis) continue;
        colour += fold->place[a] * stride;
        stride *= fold->mesh[a];
    }
    return colour;
}

/* The split is collective over all ranks; the copy that muir keeps, over those in it. */
static muir_status split(muir_ctx *ctx, int colour, int key, muir_coll_comm **out)
{
    muir_status st = MUIR_OK;
    MPI_Comm part = MPI_COMM_NULL;
    MUIR_TRY_MPI(MPI_Comm_split(ctx->comm, colour, key, &part));
    if (part != MPI_COMM_NULL) MUIR_TRY(muir_coll_comm_create(ctx, part, out));
done:
    if (part != MPI_COMM_NULL) MPI_Comm_free(&part);
    return st;
}

muir_status muir_mesh_create(muir_ctx *ctx, const muir_fold *fold, muir_mesh **out)
{
    muir_status st = MUIR_OK;
    muir_mesh *mesh = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *mesh, "the rank mesh", &mesh));
    mesh->is_member = fold->place[0] >= 0;
    for (int a = 0; a < MUIR_MESH_AXES; a++)
        MUIR_TRY(split(ctx, colour_of(fold, a), fold->place[a], &mesh->axis[a]));
    MUIR_TRY(split(ctx, mesh->is_member ? 0 : MPI_UNDEFINED, ctx->rank, &mesh->world));
    *out = mesh;
    mesh = NULL;
done:
    muir_mesh_destroy(&mesh);
    return st;
}

void muir_mesh_destroy(muir_mesh **mesh)
{
    if (!*mesh) return;
    for (int a = 0; a < MUIR_MESH_AXES; a++) muir_coll_comm_destroy(&(*mesh)->axis[a]);
    muir_coll_comm_destroy(&(*mesh)->world);
    free(*mesh);
    *mesh = NULL;
}

/* Of the mesh's axes, or -1 for all of them together. */
static int mesh_axis_of(muir_axis axis)
{
    switch (axis) {
    case MUIR_AXIS_TP: return MUIR_MESH_TP;
    case MUIR_AXIS_CP: return MUIR_MESH_CP;
    case MUIR_AXIS_PP: return MUIR_MESH_PP;
    case MUIR_AXIS_WORLD: return -1;
    default: return MUIR_MESH_DP;
    }
}

int muir_mesh_ranks(const muir_fold *fold, muir_axis axis)
{
    const int a = mesh_axis_of(axis);
    return a < 0 ? fold->mesh_ranks : fold->mesh[a];
}

muir_coll_comm *muir_mesh_comm(const muir_mesh *mesh, muir_axis axis)
{
    const int a = mesh_axis_of(axis);
    muir_coll_comm *comm = a < 0 ? mesh->world : mesh->axis[a];
    return comm && comm->size > 1 ? comm : NULL;
}
