#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Slurm, one node of CPUs, one process with all cores. Edit time, nodes and the command behind set:
#SBATCH --time=24:00:00
#SBATCH --nodes=1 --ntasks-per-node=1 --cpus-per-task=64
# Two minutes before the limit the run saves and ends with 75, and the job is queued again.
#SBATCH --signal=USR1@120 --requeue --open-mode=append

set -- ./resumable --steps 1000000 --out runs/moons
export OMP_PROC_BIND=spread OMP_PLACES=threads OMP_NUM_THREADS="$SLURM_CPUS_PER_TASK"
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" "$@" --resume
status=$?
[ $status -ne 75 ] || scontrol requeue "$SLURM_JOB_ID"
exit $status
