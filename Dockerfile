# docker build -t isthmus .
# docker run -p 8000:8000 -e ISTHMUS_KEY -v ./houses.isthmus:/model.isthmus:ro isthmus
FROM python:3.12-slim

# --build-arg TORCH_INDEX=..., PyTorch's own index of builds for processors alone, makes the image a tenth of the size.
ARG TORCH_INDEX
RUN pip install --no-cache-dir torch==2.13.0 ${TORCH_INDEX:+--index-url "$TORCH_INDEX"}

COPY pyproject.toml README.md LICENSE constraints.txt /isthmus/
COPY src /isthmus/src
RUN pip install --no-cache-dir -c /isthmus/constraints.txt "/isthmus[serve]"

RUN useradd --create-home isthmus
USER isthmus
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready')"]

# Others than the container can reach 0.0.0.0, so it does not start without a key.
ENTRYPOINT ["isthmus", "serve"]
CMD ["/model.isthmus", "--host", "0.0.0.0"]
