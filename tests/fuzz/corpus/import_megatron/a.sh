TP=4
PP=${PP:-2}
torchrun --nproc_per_node 8 --nnodes 16 pretrain_gpt.py \
  --tensor-model-parallel-size $TP --pipeline-model-parallel-size $PP --num-layers 48 --hidden-size 8192 \
  --num-attention-heads 64 --group-query-attention --num-query-groups 8 --swiglu --seq-length 4096 --max-position-embeddings 4096 \
  --micro-batch-size 2 --global-batch-size 256 --bf16 --use-distributed-optimizer --recompute-activations --vocab-size 32000
