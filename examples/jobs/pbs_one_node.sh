#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# PBS, one node of CPUs, one process with all cores. Edit time, nodes and the command behind set:
#PBS -l walltime=24:00:00
#PBS -l select=1:ncpus=64:mpiprocs=1:ompthreads=64
set -- ./resumable --steps 1000000 --out runs/moons

# A limit of our own, five minutes before that of PBS: the run saves and ends with 75, and the job is submitted again.
cd "$PBS_O_WORKDIR" || exit 1
limit=$(qstat -f "$PBS_JOBID" | sed -n "s/.*Resource_List.walltime = //p" | awk -F: '{print $1 * 3600 + $2 * 60 + $3 - 300}')
export OMP_PROC_BIND=spread OMP_PLACES=threads
mpiexec "$@" --resume --time_limit "$limit"
status=$?
[ $status -ne 75 ] || qsub pbs_one_node.sh
exit $status
