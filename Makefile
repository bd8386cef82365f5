# Only forwards: the work is done by Meson, Ninja and the programs in tools/.
ARCH ?= x86_64
DIRECT ?=
SYSTEM ?= tessera
SUITE ?=
ARGS ?=

.PHONY: help run test image bench check release-contracts prove clean
help:
	@echo "make run              build, boot under QEMU with UEFI firmware, reach the shell in this terminal"
	@echo "make run DIRECT=1     the same kernel and boot package with no firmware (PVH)"
	@echo "make run ARCH=riscv64 on QEMU's virt machine, through OpenSBI; test, image and check take ARCH, too"
	@echo "make run SYSTEM=name  another system of system/; ARGS=... goes to tools/qemu (--cpus, --mem, ...)"
	@echo "make test             every check, ending in 'N passed, N failed'; SUITE=name runs one suite"
	@echo "make image            kernel.elf, boot.pkg and tessera.img in build/$(ARCH)"
	@echo "make bench            the benchmark table"
	@echo "make check            the static checks alone"
	@echo "make release-contracts   makes the contracts of idl/ the release that later ones are compared with"
	@echo "make prove            proves the contracts of the pure core with Frama-C (installs it)"
	@echo "make clean            removes build/"

run:
	@tools/setup
	@tools/build --arch $(ARCH) $(if $(filter tessera,$(SYSTEM)),kernel.elf boot.pkg $(if $(filter x86_64,$(ARCH)),tessera.img))
	@tools/qemu --arch $(ARCH) --system $(SYSTEM) $(if $(filter-out 0,$(DIRECT)),--direct) $(ARGS) || test $$? = 4

test:
	@tools/setup
	@tools/test --arch $(ARCH) $(SUITE)

image:
	@tools/setup
	@tools/build --arch $(ARCH)

bench:
	@tools/setup
	@tools/build --arch $(ARCH) --quiet
	@bench/run --arch $(ARCH) $(ARGS)

check:
	@tools/setup
	@tools/check --arch $(ARCH)

release-contracts:
	@tools/setup
	@python3 tools/contracts.py --release

prove:
	@tools/setup
	@tools/setup proofs/packages.txt
	@python3 tools/proofs.py

clean:
	@rm -rf build
