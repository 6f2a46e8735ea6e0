#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# PBS, nodes of CPUs, a rank for each NUMA domain. Edit time, nodes and the command behind set:
#PBS -l walltime=24:00:00
#PBS -l select=4:ncpus=64:mpiprocs=2:ompthreads=32
set -- ./resumable --steps 1000000 --out runs/moons --batch 4096 --slices.count 8

# A limit of our own, five minutes before that of PBS: the run saves and ends with 75, and the job is submitted again.
cd "$PBS_O_WORKDIR" || exit 1
limit=$(qstat -f "$PBS_JOBID" | sed -n "s/.*Resource_List.walltime = //p" | awk -F: '{print $1 * 3600 + $2 * 60 + $3 - 300}')
export OMP_PROC_BIND=spread OMP_PLACES=threads
mpiexec "$@" --resume --time_limit "$limit"
status=$?
[ $status -ne 75 ] || qsub pbs_many_nodes.sh
exit $status
