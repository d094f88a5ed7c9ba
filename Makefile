# Names of targets, handed to bootstrap.py, which needs Python 3.11+ and nothing else. Windows: py bootstrap.py demo
PYTHON ?= python3
TARGETS := demo test check bench lab lock nb-refresh clean

# Variables given on the command line go on as NAME=value, e.g. make demo CAPTURE=file SYMBOL=ETH/USDT:USDT
NAMES := CAPTURE SYMBOL VENUE SMOKE SAMPLE SECONDS ARGS
given = $(foreach name,$(NAMES),$(if $(filter command,$(origin $(name))),'$(name)=$(subst ','\'',$($(name)))'))

.PHONY: help $(TARGETS)
help:
	@$(PYTHON) bootstrap.py help
$(TARGETS):
	@$(PYTHON) bootstrap.py $@ $(given)
