# Hierarchical multinomial logit by bayesm::rhierMnlRwMixture (one component, its default priors and step), for benchmark.py.
#
#   Rscript bayesm.R FOLDER CHAINS CORES ITERATIONS KEEP SEED
#
# FOLDER/size holds people, parameters, choices per person and alternatives; FOLDER/x the design rows of one person after
# the other (float64, alternatives within choices), FOLDER/y the chosen alternatives from 1 (int32). Writes per chain the
# draws of beta, mean and covariance as float64, and the seconds of all chains.
suppressMessages(library(bayesm))
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
settings <- as.integer(arguments[2:6])
size <- readBin(file.path(folder, "size"), "integer", 4)
x <- readBin(file.path(folder, "x"), "double", prod(size))
y <- readBin(file.path(folder, "y"), "integer", size[1] * size[3])
rows <- size[3] * size[4]
x <- matrix(x, ncol = size[2], byrow = TRUE)
people <- lapply(seq_len(size[1]), function(i) {
  list(y = y[((i - 1) * size[3] + 1):(i * size[3])], X = x[((i - 1) * rows + 1):(i * rows), , drop = FALSE])
})
chain <- function(number) {
  set.seed(settings[5] + number)
  fit <- rhierMnlRwMixture(Data = list(p = size[4], lgtdata = people), Prior = list(ncomp = 1),
                           Mcmc = list(R = settings[3], keep = settings[4], nprint = 0))
  name <- function(part) file(file.path(folder, paste0(part, number)), "wb")
  beta <- name("beta")
  writeBin(as.double(fit$betadraw), beta)
  close(beta)
  parts <- lapply(fit$nmix$compdraw, function(draw) draw[[1]])
  mean <- name("mean")
  writeBin(as.double(sapply(parts, function(part) part$mu)), mean)
  close(mean)
  cov <- name("cov")
  writeBin(as.double(sapply(parts, function(part) crossprod(backsolve(part$rooti, diag(size[2]))))), cov)
  close(cov)
  TRUE
}
begin <- proc.time()[["elapsed"]]
sink(nullfile())
done <- parallel::mclapply(seq_len(settings[1]), chain, mc.cores = settings[2])
sink()
stopifnot(all(sapply(done, isTRUE)))
cat(proc.time()[["elapsed"]] - begin, "\n")
