#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# PBS, a rank for each GPU. Edit time, nodes and the command behind set:
#PBS -l walltime=24:00:00
#PBS -l select=2:ncpus=64:ngpus=4:mpiprocs=4:ompthreads=16
set -- ./resumable --steps 1000000 --out runs/moons --batch 32768 --slices.count 8

# A limit of our own, five minutes before that of PBS: the run saves and ends with 75, and the job is submitted again.
cd "$PBS_O_WORKDIR" || exit 1
limit=$(qstat -f "$PBS_JOBID" | sed -n "s/.*Resource_List.walltime = //p" | awk -F: '{print $1 * 3600 + $2 * 60 + $3 - 300}')
export OMP_PROC_BIND=spread OMP_PLACES=threads
export KOKKOS_MAP_DEVICE_ID_BY=mpi_rank  # rank i of a node takes GPU i
export MPICH_GPU_SUPPORT_ENABLED=1       # Cray MPICH takes a GPU's memory; others do not read this
mpiexec "$@" --resume --time_limit "$limit"
status=$?
[ $status -ne 75 ] || qsub pbs_gpus.sh
exit $status
