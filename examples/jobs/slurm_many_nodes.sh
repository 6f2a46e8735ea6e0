#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Slurm, nodes of CPUs, a rank for each NUMA domain. Edit time, nodes and the command behind set:
#SBATCH --time=24:00:00
#SBATCH --nodes=4 --ntasks-per-node=2 --cpus-per-task=32
# Two minutes before the limit the run saves and ends with 75, and the job is queued again.
#SBATCH --signal=USR1@120 --requeue --open-mode=append

set -- ./resumable --steps 1000000 --out runs/moons --batch 4096 --slices.count 8
export OMP_PROC_BIND=spread OMP_PLACES=threads OMP_NUM_THREADS="$SLURM_CPUS_PER_TASK"
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" --cpu-bind=cores "$@" --resume
status=$?
[ $status -ne 75 ] || scontrol requeue "$SLURM_JOB_ID"
exit $status
