#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Slurm, a rank for each GPU. Edit time, nodes and the command behind set:
#SBATCH --time=24:00:00
#SBATCH --nodes=2 --ntasks-per-node=4 --gpus-per-node=4 --cpus-per-task=16
# Two minutes before the limit the run saves and ends with 75, and the job is queued again.
#SBATCH --signal=USR1@120 --requeue --open-mode=append

set -- ./resumable --steps 1000000 --out runs/moons --batch 32768 --slices.count 8
export OMP_PROC_BIND=spread OMP_PLACES=threads OMP_NUM_THREADS="$SLURM_CPUS_PER_TASK"
export KOKKOS_MAP_DEVICE_ID_BY=mpi_rank  # rank i of a node takes GPU i
export MPICH_GPU_SUPPORT_ENABLED=1       # Cray MPICH takes a GPU's memory; others do not read this
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" --cpu-bind=cores "$@" --resume
status=$?
[ $status -ne 75 ] || scontrol requeue "$SLURM_JOB_ID"
exit $status
